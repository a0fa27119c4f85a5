"""The OpenAPI document and its pages come from this server alone."""

import re

from tests.api import Api, code_of


async def test_the_document_describes_every_operation_once(api: Api) -> None:
    document = (await api.get("/openapi.json")).json()

    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids)) > 40
    for operation in operations:
        assert operation["description"] or operation["summary"]
        assert operation["tags"]
        assert "security" in operation
        assert {"500", "503"} <= operation["responses"].keys()
    assert document["components"]["securitySchemes"].keys() == {"password", "bearer"}


async def test_the_pages_load_nothing_from_elsewhere(api: Api) -> None:
    for path in ("/docs", "/redoc"):
        page = await api.get(path)
        assert page.status_code == 200
        sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert sources
        for source in sources:
            assert source.startswith("/")
            asset = await api.get(source)
            assert asset.status_code == 200
            assert len(asset.content) > 1000


async def test_only_the_pages_files_are_served(api: Api) -> None:
    for name in ("core.py", "..%2f__init__.py", "%2e%2e/__init__.py"):
        assert code_of(await api.get(f"/docs/assets/{name}")) == (404, "not_found")


async def test_health_says_live_and_ready(api: Api) -> None:
    assert (await api.get("/health/live")).json() == {"status": "live"}
    ready = (await api.get("/health/ready")).json()
    assert ready["status"] == "ready"
    assert ready["time_zone_data"].startswith("20")

    async with api.container.database().transaction() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    assert code_of(await api.get("/health/ready")) == (503, "dependency_unavailable")
