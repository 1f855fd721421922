"""The products of a new database: what a shop in Ecuador might have on its shelves."""

from typing import Final

from quart_app.domains.products.service import create
from quart_app.storage.unit_of_work import UnitOfWork

_PRODUCTS: Final = (
    ("Café de Loja, molido, 400 g", "De altura, tueste medio. Notas de panela y naranja.", 875, 42),
    ("Chocolate Arriba Nacional 70 %, 100 g", "Cacao fino de aroma de Manabí, azúcar de caña y nada más.", 450, 120),
    ("Sombrero de paja toquilla", "Tejido a mano en Montecristi. Tallas 56 a 60.", 6500, 9),
    ("Panela granulada, 1 kg", "De Pastaza, sin refinar.", 240, 75),
    ("Miel de abeja, 500 g", "De flor de eucalipto, Cotopaxi.", 720, 0),
    ("Poncho de lana de Otavalo", "Telar de pedal, dos caras, lana de oveja.", 3890, 14),
    ("Aceite de sacha inchi, 250 ml", "Primera prensa en frío.", 1125, 30),
    ("Mermelada de uvilla, 300 g", "Poca azúcar, mucha fruta. Hecha en Tungurahua.", 395, 3),
)


async def add_products(work: UnitOfWork) -> None:
    """Put the products on the shelves, as somebody would one by one."""
    for nombre, descripcion, precio_cents, stock in _PRODUCTS:
        await create(work, {"nombre": nombre, "descripcion": descripcion, "precio_cents": precio_cents, "stock": stock})
