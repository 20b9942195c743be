"""Array types for signatures: ``Float[Array, "height width"]``.

Where jaxtyping is absent (in the browser, say) the same annotations mean plain arrays and nothing
is checked.
"""

from typing import Any

import numpy as np

Array = np.ndarray

try:
    from jaxtyping import Bool, Float, Int, UInt8
except ImportError:

    class _Plain:
        def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
            return item[0]

    Bool = Float = Int = UInt8 = _Plain  # type: ignore[assignment]

Number = float | int

__all__ = ["Array", "Bool", "Float", "Int", "Number", "UInt8"]
