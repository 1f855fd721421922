"""The table of products. Times are ms since the Unix epoch, money is whole cents."""

from tortoise.fields import BigIntField, CharField, IntField, TextField
from tortoise.models import Model

from quart_app.domains.products.rules import NOMBRE_CHARACTERS


class ProductRow(Model):
    """A product of the inventory; `version` counts the changes, the making being the first."""

    id = BigIntField(primary_key=True, generated=True)
    nombre = CharField(max_length=NOMBRE_CHARACTERS)
    descripcion = TextField(default="")
    precio_cents = BigIntField()
    stock = IntField(default=0)
    version = IntField(default=1)
    created_at = BigIntField()
    updated_at = BigIntField()

    class Meta:
        table = "products"
