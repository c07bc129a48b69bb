"""One image file to one square array: the only place where image files are decoded."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from slugkit.errors import InputError

# Formats of photographs; fewer decoders, fewer surprises with files from the open web.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
SMALLEST_SIDE = 16
# Pillow's own threshold: 89 million pixels, 268 MB decoded. Clinical photographs stay below 50.
LARGEST_IMAGE = 89_478_485

_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, MemoryError)


def read_image(path: str | Path, size: int) -> NDArray[np.float32]:
    """Read an image file as a square sRGB array.

    The file is turned as its EXIF orientation says, converted to RGB, resized with
    antialiasing so that its shorter side has `size` pixels, and cropped at the centre.

    Parameters
    ----------
    path
        A JPEG, PNG, TIFF, BMP, WebP or GIF file (the first frame of an animation). Greyscale,
        CMYK, palette and 16-bit files are converted; transparency is laid on white; colour
        profiles are ignored.
    size
        Side of the square, in pixels.

    Returns
    -------
    ndarray
        Shape (size, size, 3), float32, values in [0, 1].

    Raises
    ------
    InputError
        The file is missing, is no image, is corrupt or truncated, is smaller than 16 pixels on
        its shorter side, or is so large that decoding it could exhaust the memory.
    """
    return read_pixels(path, size).astype(np.float32) / np.float32(255)


def read_pixels(path: str | Path, size: int) -> NDArray[np.uint8]:
    """Read an image file as `read_image` does, as 8-bit integers: what the prepared files hold.

    Raises
    ------
    InputError
        See `read_image`.
    """
    path = Path(path)
    if size < 1:
        raise InputError(f"image size {size} is not possible: give a side of at least 1 pixel")
    image = _open(path)
    with image:
        _check_dimensions(path, image)
        try:
            # A JPEG may be decoded at 1/2, 1/4 or 1/8, twice as fast: never below 1.5 times the
            # wanted size, so that the antialiased resize still does the rest. The difference from
            # a full decode is below 1/255 (root mean square).
            image.draft(None, (3 * size // 2, 3 * size // 2))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            square = ImageOps.fit(_to_rgb(image), (size, size), Image.Resampling.LANCZOS)
        except _DECODING_ERRORS as error:
            raise InputError(
                f"{path}: the image is corrupt or cut short ({error}); fetch the file again"
            ) from error
    return np.asarray(square)


def _open(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the data root") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, str(error)) from error
    except _DECODING_ERRORS as error:
        raise InputError(
            f"{path}: not an image but {_kind(path)}; fetch the file again or remove it"
        ) from error


def _check_dimensions(path: Path, image: Image.Image) -> None:
    width, height = image.size
    if width * height > LARGEST_IMAGE:
        raise _too_large(path, f"{width} x {height} pixels")
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(
            f"{path}: {width} x {height} pixels is too small, the shorter side must have at least "
            f"{SMALLEST_SIDE}; remove the file from the data set"
        )


def _too_large(path: Path, found: str) -> InputError:
    return InputError(
        f"{path}: too large to decode safely ({found}, limit {LARGEST_IMAGE}); "
        "make a smaller copy of it or remove it"
    )


def _kind(path: Path) -> str:
    """Say what a file that is no image seems to be, from its first bytes."""
    try:
        with path.open("rb") as stream:
            start = stream.read(512).lstrip()
    except OSError as error:
        return f"unreadable ({error.strerror})"
    if not start:
        return "an empty file"
    if start[:1] == b"<":
        return "a web page (often the server's way to say that the image is gone)"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer"
    return f"a file of another or a broken kind (it begins with {start[:8]!r})"


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_16_bit(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no defined white")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("integer pixels outside 0..65535")
    # 65535 = 257 * 255
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")
