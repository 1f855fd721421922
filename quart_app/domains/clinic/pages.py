"""The clinic's page: one page with five views, drawn with what is true now and the cursor to go on from.

This file owns the addresses `/clinic…` and what a view needs at first; the browser shows the same views from then on.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quart import Blueprint, render_template, request

from quart_app.domains import Program
from quart_app.domains.clinic.entities import ENTITIES
from quart_app.domains.clinic.rules import PAGE_LIMIT, moment
from quart_app.domains.clinic.service import Clinic, RecordsFound, require_staff
from quart_app.realtime import Hub, Identity, Refused, wrong_fields
from quart_app.web.context import speaker

VIEWS: Final = ("calendar", "owners", "invoices", "practice", "activity")
ZONE_COOKIE: Final = "envivo_zone"  # the time zone of the browser, which its page has told
PAGE: Final = 50  # records at a time of the lists that have no end
_FURTHEST_ZONES: Final = timedelta(hours=26)  # between the clocks of two places, at most
_EARLIEST, _LATEST = date(1990, 1, 15), date(2100, 12, 15)


def pages(program: Program, clinic: Clinic) -> Blueprint:
    """Return `/clinic` and `/clinic/<view>`."""
    page = _Page(program.hub, clinic)
    blueprint = Blueprint("clinic_pages", __name__, template_folder="templates")
    blueprint.get("/clinic")(page.show)
    blueprint.get("/clinic/<view>")(page.show)
    return blueprint


class _Page:
    def __init__(self, hub: Hub, clinic: Clinic) -> None:
        self._hub = hub
        self._clinic = clinic

    async def show(self, view: str = VIEWS[0]) -> str:
        """Show one view, with the week or the pet that the query names."""
        who = speaker()
        require_staff(who)
        if view not in VIEWS:
            raise Refused("view_not_found", "there is no such view of the clinic", status=404)
        zone = _zone(request.cookies.get(ZONE_COOKIE, ""))
        day = _day(request.args.get("day"), zone)
        cursor = self._hub.cursor
        held, more = await self._hold(who, day)
        monday = None if "reservations" in more else _monday(day).isoformat()
        return await render_template(
            "clinic/page.html",
            view=view,
            views=VIEWS,
            week=_week(held["reservations"], day, zone),
            before=day - timedelta(days=7),
            after=day + timedelta(days=7),
            owners=_owners(held["pets"]),
            names=_names(held),
            held=held,
            island={
                "cursor": cursor,
                "me": None if who.nameless else who.user,
                "ids": {name: entity.id_name for name, entity in ENTITIES.items()},
                "tables": held,
                "more": {name: asked for name, asked in more.items() if name != "reservations"},
                "monday": monday,
                "page": PAGE,
                "settled": {status: _count(held["invoices"], status) for status in ("paid", "void")},
            },
        )

    async def _hold(self, who: Identity, day: date) -> tuple[dict[str, list[Any]], dict[str, Any]]:
        """Return the records that the views begin with, by kind, and for each kind that has more, the query for the
        rest."""
        from_ = datetime.combine(_monday(day), datetime.min.time(), UTC) - _FURTHEST_ZONES
        to = from_ + timedelta(days=7) + 2 * _FURTHEST_ZONES
        asked: dict[str, dict[str, Any]] = {
            "pets": {},
            "services": {},
            "employees": {},
            "reservations": {"from": moment(from_), "to": moment(to)},
            "invoices": {"status": "open"},
        }
        held: dict[str, list[Any]] = {}
        more = {}
        for name, conditions in asked.items():
            found = await self._list(name, who, PAGE_LIMIT, **conditions)
            held[name] = found.records
            if found.after is not None:
                more[name] = {**conditions, "after": found.after}
        for status in ("paid", "void"):
            held["invoices"] += (await self._list("invoices", who, PAGE, status=status)).records
        held["activity-logs"] = (await self._list("activity-logs", who, PAGE)).records
        return held, more

    async def _list(self, name: str, who: Identity, limit: int, **asked: Any) -> RecordsFound:
        return await self._clinic.list(ENTITIES[name], who, asked=asked, limit=limit)


def _zone(name: str) -> ZoneInfo:
    """Return the time zone of this name; UTC where there is none that this system knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # none that exists, or that this system knows
        return ZoneInfo("UTC")


def _day(text: str | None, zone: ZoneInfo) -> date:
    """Return the day that the address names, else today. Raise Refused (`bad_request`)."""
    if text is None:
        return datetime.now(zone).date()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise wrong_fields({"day": "a date such as 2026-03-02"}) from error
    if not _EARLIEST <= day <= _LATEST:
        raise wrong_fields({"day": f"a date from {_EARLIEST} to {_LATEST}"})
    return day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _week(reservations: list[dict[str, Any]], day: date, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return the days of the week, each with its reservations in order; Sunday only where it has some or is `day`."""
    days = []
    for date_ in (_monday(day) + timedelta(days=number) for number in range(7)):
        visits = [
            {**visit, "clock": starts.strftime("%H:%M")}
            for visit in sorted(reservations, key=lambda one: str(one["starts_at"]))
            if visit["status"] != "cancelled"
            and (starts := datetime.fromisoformat(visit["starts_at"]).astimezone(zone)).date() == date_
        ]
        if date_.weekday() < 6 or visits or date_ == day:
            days.append({"date": date_, "visits": visits, "chosen": date_ == day})
    return days


def _owners(pets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the owners of `pets` by name, each with their pets."""
    owners: dict[object, dict[str, Any]] = {}
    for pet in sorted(pets, key=lambda one: str(one["name"])):
        key = pet["user_id"] or pet["owner_name"]
        owner = owners.setdefault(key, {"user_id": pet["user_id"], "name": "", "phone": "", "pets": []})
        owner["name"] = owner["name"] or pet["owner_name"]
        owner["phone"] = owner["phone"] or pet["owner_phone"]
        owner["pets"].append(pet)
    return sorted(owners.values(), key=lambda owner: str(owner["name"]))


def _names(held: dict[str, list[dict[str, Any]]]) -> dict[str, dict[int, str]]:
    """Return what the records that others refer to are called, by kind and id."""
    kinds = ("pets", "services", "employees")
    return {kind: {record[ENTITIES[kind].id_name]: record["name"] for record in held[kind]} for kind in kinds}


def _count(invoices: list[dict[str, Any]], status: str) -> int:
    return sum(invoice["status"] == status for invoice in invoices)
