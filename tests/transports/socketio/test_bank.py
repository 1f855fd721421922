"""The bank's older client: socket.io-client follows the balances and the counters, unchanged."""

from typing import Any

import httpx
import pytest

from tests.running import ServerProcess
from tests.transports.socketio.client import socketio_client
from tests.transports.socketio.world import WAYS

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = ServerProcess(tmp_path_factory.mktemp("bank"), stats_interval=0.3)
    yield server.start()
    server.check_clean_end()


@pytest.mark.parametrize("way", WAYS)
async def test_the_events_of_the_bank(bank: ServerProcess, way: str) -> None:
    cedula = f"135050952{list(WAYS).index(way)}"
    async with (
        socketio_client(bank.url, **WAYS[way]) as client,
        httpx.AsyncClient(base_url=bank.url) as rest,
    ):
        await client.connected()
        account = {"cedula": cedula, "nombre": "Ana", "saldo_inicial": 5000}
        assert (await rest.post("/api/cuentas", json=account)).status_code == 201
        for path, monto in (("/api/deposito", 500), ("/api/retiro", 250), ("/api/retiro", 0.5)):
            answer = await rest.post(path, json={"cedula": cedula, "monto": monto})
            assert answer.json()["success"], answer.text
        refused = await rest.post("/api/retiro", json={"cedula": cedula, "monto": 1_000_000})
        assert refused.status_code == 409

        def balances() -> list[float]:
            return [args[0]["balance"] for args in client.events("balance_updated") if args[0]["cedula"] == cedula]

        await client.until(lambda: balances()[-3:] == [5500.0, 5250.0, 5249.5])
        assert {"cedula": cedula, "balance": 5249.5} in [args[0] for args in client.events("balance_updated")]
        await client.until(lambda: len(client.events("stats_updated")) >= 3)
        stats = client.events("stats_updated")[-1][0]
        assert stats["success"] is True
        assert set(stats["estadisticas"]) >= {"clientes_activos", "operaciones_simultaneas", "conexiones_activas"}
        assert stats["estadisticas"]["conexiones_activas"] >= 1
