"""What the shop sells."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on the shelf. The price is in cents."""

    sku: str
    name: str
    price: int


PRODUCTS = (
    Product("mug-01", "Enamel mug", 1400),
    Product("lamp-07", "Desk lamp", 5900),
    Product("note-12", "Dotted notebook", 900),
)


def listing() -> list[dict[str, str | int]]:
    """Give the shelf in the form the page shows."""
    return [asdict(product) for product in PRODUCTS]
