from __future__ import annotations

from loxone_exporter.clients import Clients, CutOff
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.exposition import Format
from loxone_exporter.vitals import Vitals
from support.collected import collected, configure


async def test_connections_are_told_from_the_first_scrape_on() -> None:
    scrape = await collected(LoxoneCollector(configure(), []))
    assert scrape.value("loxone_exporter_connections") == 0
    assert scrape.value("loxone_exporter_connections_refused_total") == 0
    assert {"slow_request": 0, "unread_answer": 0, "memory": 0, "crowd": 0} == scrape.values(
        "loxone_exporter_connections_cut_off_total", "reason"
    )


async def test_connections_are_told_as_they_are() -> None:
    clients = Clients(limit=5, connected=3, refused=7)
    clients.cut_off.update({CutOff.MEMORY: 2, CutOff.SLOW_REQUEST: 4})
    collector = LoxoneCollector(configure(), [], vitals=Vitals(clients=clients))
    for format_ in Format:
        scrape = await collected(collector, format_)
        assert scrape.value("loxone_exporter_connections") == 3
        assert scrape.value("loxone_exporter_connections_refused_total") == 7
        assert {"slow_request": 4, "unread_answer": 0, "memory": 2, "crowd": 0} == scrape.values(
            "loxone_exporter_connections_cut_off_total", "reason"
        )
