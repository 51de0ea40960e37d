"""Amounts of tokens and ether as people write them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

DECIMALS = 18


class TokenAmount(click.ParamType):
    """An option or argument like ``12.5``; gives base units as an int, at least one."""

    name = "amount"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Base units of ``value``; a usage error when it is not a positive number with at most 18 decimals."""
        if isinstance(value, int):
            return value
        try:
            scaled = Decimal(str(value)).scaleb(DECIMALS)
        except InvalidOperation:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not scaled.is_finite() or scaled != scaled.to_integral_value() or scaled <= 0:
            self.fail(f"{value!r} is not a positive amount with at most {DECIMALS} decimals", param, ctx)
        return int(scaled)


TOKENS = TokenAmount()


def show_amount(base_units: int, digits: int = 6) -> str:
    """Base units as a decimal number, rounded to ``digits`` decimals, without trailing zeros."""
    value = Decimal(base_units).scaleb(-DECIMALS).quantize(Decimal(1).scaleb(-digits))
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
