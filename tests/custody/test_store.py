"""custody.db: guarded, migrated once, all or nothing."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
import trio

from exchange.custody.store import CustodyDamaged, Store


def _add(db: apsw.Connection, name: str = "BTC") -> None:
    db.execute("INSERT INTO chains (name, identity, first, height, hash) VALUES (?, '00', 1, 0, '00')", (name,))


def _names(store: Store) -> list[str]:
    return [str(name) for (name,) in store.reader.execute("SELECT name FROM chains ORDER BY name")]


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    """And only its owner may read the file."""
    store = Store(tmp_path / "custody.db")
    await store.write(_add)
    assert _names(store) == ["BTC"]
    store.close()
    again = Store(tmp_path / "custody.db")
    assert _names(again) == ["BTC"]
    again.close()
    assert (tmp_path / "custody.db").stat().st_mode & 0o777 == 0o600


async def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Whatever it raises is raised."""
    store = Store(tmp_path / "custody.db")

    def half(db: apsw.Connection) -> None:
        _add(db)
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(half)
    assert _names(store) == []
    store.close()


async def test_writers_take_turns(tmp_path: Path) -> None:
    """Each is alone in its transaction, however many come at once."""
    store = Store(tmp_path / "custody.db")
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(store.write, lambda db, n=number: _add(db, f"C{n:02}"))
    assert len(_names(store)) == 20
    store.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """Nothing is changed."""
    path = tmp_path / "custody.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY); INSERT INTO migrations VALUES (9999)")
    connection.close()
    with pytest.raises(CustodyDamaged, match="schema 9999"):
        Store(path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    """With a sentence."""
    path = tmp_path / "custody.db"
    path.write_bytes(b"not at all a database " * 300)
    with pytest.raises(CustodyDamaged, match="not a database"):
        Store(path)
