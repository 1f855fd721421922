"""Every page of the program, for the tests that are about all of them; with the demo data there, they are full."""

PAGES = (
    "/",
    "/chat",
    "/chat/1?username=Ana",
    "/bank",
    "/bank/1350509525",
    "/bank/admin",
    "/products",
    "/telemetry",
    "/telemetry/vue",
    "/clinic",
    "/connect?topic=sensors",
    "/docs",
    "/admin",
    "/topics",
    "/topics/sensors",
    "/nothing/here",
)
