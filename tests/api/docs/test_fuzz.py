"""schemathesis reads our OpenAPI and tries what it allows, and what it does not, on a real server: never a 500.

Every answer has a status, a type and a shape that the description names, every refusal a code that it lists.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import checks

from exchange.api.docs import openapi
from exchange.api.http_routes import ROUTES, Route, Security
from exchange.api.parameters import fields_of
from tests.conftest import NIGHTLY
from tests.guide.server import Served, serving


def loosened(schema: Any) -> Any:
    """The same without tuples, of which schemathesis makes an invalid schema; test_openapi.py judges them."""
    if isinstance(schema, list):
        return [loosened(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: loosened(part) for name, part in schema.items() if name != "prefixItems"}
    return made | {"items": {"anyOf": loosened(schema["prefixItems"])}} if "prefixItems" in schema else made


SCHEMA = schemathesis.openapi.from_dict(loosened(openapi.document()))
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
GOOD, BAD = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
CASES = [pytest.param(route, GOOD, id=f"good {route.method} {route.path}") for route in ROUTES]
CASES += [
    pytest.param(route, BAD, id=f"bad {route.method} {route.path}", marks=pytest.mark.nightly)
    for route in ROUTES
    if fields_of(route.takes)
]
SMALL = hypothesis.settings(
    max_examples=60 if NIGHTLY else 3, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), database=None
)
KNOWN = {"symbol": "BTCUSDT", "orderId": "1", "limit": "5", "quantity": "0.01", "price": "20000", "side": "BUY"}
"""Values that lead further into the house than random ones do."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("fuzz")) as running:
        yield running


def signed(query: dict[str, Any], secret: str) -> dict[str, Any]:
    """The parameters with a good stamp and a signature over them as they will be sent."""
    stamped = {name: value for name, value in query.items() if name not in {"timestamp", "recvWindow", "signature"}}
    stamped["timestamp"] = int(time.time() * 1000)
    made = hmac.new(secret.encode(), urlencode(stamped, doseq=True).encode(), hashlib.sha256).hexdigest()
    return stamped | {"signature": made}


@pytest.mark.parametrize(("route", "mode"), CASES)
def test_whatever_is_asked_the_answer_is_one_that_was_told(
    server: Served, route: Route, mode: schemathesis.GenerationMode
) -> None:
    alice = server.ready.accounts[0]
    operation = SCHEMA[route.path][route.method]
    with requests.Session() as session:
        session.trust_env = False
        session.headers["X-MBX-APIKEY"] = alice.api_key

        @SMALL
        @hypothesis.given(operation.as_strategy(mode), st.sets(st.sampled_from(sorted(KNOWN))), st.booleans())
        def attempt(case: schemathesis.Case[Any], known: set[str], sign: bool) -> None:
            query = dict(case.query or {})
            query |= {name: KNOWN[name] for name in known if name in query}
            if route.security in {Security.READ, Security.TRADE} and (sign or mode is GOOD):
                query = signed(query, alice.secret)
            case.query = query
            answer = case.call(base_url=server.ready.http, session=session)
            case.validate_response(answer, checks=CHECKS)

        attempt()
