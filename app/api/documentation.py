"""OpenAPI with live examples, and Swagger UI from this machine."""

import copy
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from app.api.deps import ServicesDep
from app.api.examples import EXAMPLES, PRIVATE_EXAMPLES, Example, collect
from app.api.problems import MEDIA_TYPE, problem
from app.api.schemas.common import Problem

OPENAPI_URL = "/openapi.json"
_ASSETS_URL = "/docs/swagger-ui"
_HERE = Path(__file__).parent

_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Peerwatt: REST API</title>
<link rel="icon" href="{_ASSETS_URL}/favicon-32x32.png">
<link rel="stylesheet" href="{_ASSETS_URL}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{_ASSETS_URL}/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""


def install(app: FastAPI, swagger_ui: Path) -> None:
    """Adds `/openapi.json` and `/docs`."""
    router = APIRouter(include_in_schema=False)

    @router.get(OPENAPI_URL)
    async def openapi(services: ServicesDep) -> JSONResponse:
        facts = await collect(services)
        examples = {name: make(facts) for name, make in {**EXAMPLES, **PRIVATE_EXAMPLES}.items()}
        return JSONResponse(with_examples(app.openapi(), examples))

    @router.get("/docs")
    async def docs() -> Response:
        if not (swagger_ui / "swagger-ui-bundle.js").exists():
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "documentation-missing",
                "Interactive documentation is not installed",
                "the npm package swagger-ui-dist is missing",
                hint="make setup",
            )
        return HTMLResponse(_PAGE)

    @router.get("/docs/start.js")
    async def start() -> Response:
        return Response((_HERE / "swagger.js").read_text(), media_type="text/javascript")

    app.include_router(router)
    app.mount(_ASSETS_URL, StaticFiles(directory=swagger_ui, check_dir=False))
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]


def with_examples(schema: Mapping[str, Any], examples: Mapping[str, Example]) -> dict[str, Any]:
    """The schema with the examples in their operations."""
    filled = copy.deepcopy(dict(schema))
    for operations in filled["paths"].values():
        for operation in operations.values():
            example = examples[operation["operationId"]]
            for parameter in operation.get("parameters", []):
                if parameter["name"] in example.parameters:
                    parameter["example"] = example.parameters[parameter["name"]]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["example"] = example.body
    return filled


def _schema(app: FastAPI) -> dict[str, Any]:
    """The schema of the application, with one kind of error for all operations."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        components = schema["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            components.pop(unused, None)
        problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components |= problem_schema.pop("$defs")
        components["Problem"] = problem_schema
        error = {
            "description": "A problem document (RFC 9457)",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = error
        app.openapi_schema = schema
    return app.openapi_schema
