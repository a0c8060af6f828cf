"""The commands about acts that wait for a second operator: how they are called. What they do is in `act_verbs`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.cli_people.ways_options import Group, Listed, Subparsers, Verb


def add_acts(commands: Subparsers[argparse.ArgumentParser], group: Group, verb: Verb, list_options: Listed) -> None:
    """Add `act`, made as the other commands of this room are."""
    verbs = group(commands, "act", "Acts that one operator asked for and another one has done.")
    about = "List acts that wait for a second operator, and who may confirm them."
    list_options(verb(verbs, "act list", about, "exchange act list --csv"), "method, what was asked, or operator")
    about = "Have an act done that another operator asked for: you are shown what it is, and asked."
    one = verb(verbs, "act confirm", about, "exchange act confirm 7")
    one.add_argument("number", type=int, help="its number")
    one.add_argument("--yes", action="store_true", help="do not ask again whether that is what you mean")
    about = "Let an act that waits not be done."
    verb(verbs, "act withdraw", about, "exchange act withdraw 7").add_argument("number", type=int, help="its number")
