"""Numbers as people type them: a comma or a point, nothing for what is left open."""

import math
from typing import Any

from wtforms import FloatField, IntegerField
from wtforms.validators import Optional
from wtforms.widgets import TextInput

from ingest.pages.language import _


class WholeNumber(IntegerField):
    """Without a fraction."""

    widget = TextInput()

    def __init__(self, label: Any, **about: Any) -> None:
        keys = {"inputmode": "numeric", "autocomplete": "off"}
        super().__init__(label, validators=[Optional()], render_kw=keys, **about)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = valuelist[0].strip() if valuelist else ""
        if text:
            if not (text.isascii() and text.isdecimal() and len(text) <= 12):
                raise ValueError(_("Write a whole number."))
            self.data = int(text)


class Number(FloatField):
    """With a fraction, if need be."""

    widget = TextInput()

    def __init__(self, label: Any, **about: Any) -> None:
        keys = {"inputmode": "decimal", "autocomplete": "off"}
        super().__init__(label, validators=[Optional()], render_kw=keys, **about)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        return str(int(self.data)) if float(self.data).is_integer() else str(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        text = valuelist[0].strip().replace(",", ".") if valuelist else ""
        if text:
            try:
                self.data = float(text)
            except ValueError:
                raise ValueError(_("Write a number.")) from None
            if not math.isfinite(self.data):
                raise ValueError(_("Write a number."))
