import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from slugkit.data.images import read_image, read_pixels
from slugkit.errors import InputError


def gradient(width=96, height=64):
    """A smooth colour picture in which left, right, top and bottom differ."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return (255 * np.stack([x, y, 0.5 * (1 - x)], -1)).astype(np.uint8)


@pytest.fixture
def picture():
    return Image.fromarray(gradient())


def saved(image, path, **options):
    image.save(path, **options)
    return path


def reference(image, size):
    """Resize the shorter side to `size`, then crop at the centre, in two plain steps."""
    width, height = image.size
    scale = size / min(width, height)
    whole = image.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
    left, top = (whole.width - size) // 2, (whole.height - size) // 2
    return np.asarray(whole.crop((left, top, left + size, top + size))) / 255


def test_shape_type_and_range(tmp_path, picture):
    image = read_image(saved(picture, tmp_path / "a.png"), 32)
    assert image.shape == (32, 32, 3)
    assert image.dtype == np.float32
    assert 0 <= image.min() < image.max() <= 1


def test_resize_keeps_the_aspect_ratio_and_crops_the_centre(tmp_path, picture):
    image = read_image(saved(picture, tmp_path / "a.png"), 32)
    np.testing.assert_allclose(image, reference(picture, 32), atol=1.5 / 255)


def test_resize_is_antialiased(tmp_path):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (512, 512, 3), np.uint8))
    image = read_image(saved(noise, tmp_path / "a.png"), 32)
    # Plain subsampling would keep the standard deviation of 0.29; averaging 256 pixels divides it
    # by 16.
    assert image.std() < 0.05


def test_large_jpeg_decoded_at_reduced_scale_stays_close(tmp_path):
    large = Image.fromarray(gradient(1600, 1200))
    image = read_image(saved(large, tmp_path / "a.jpg", quality=95), 32)
    np.testing.assert_allclose(image, reference(large, 32), atol=4 / 255)


def test_reduced_decoding_of_a_noisy_photograph(tmp_path):
    rng = np.random.default_rng(0)
    noisy = np.clip(gradient(600, 450) + rng.normal(0, 6, (450, 600, 3)), 0, 255)
    large = Image.fromarray(noisy.astype(np.uint8))
    path = saved(large, tmp_path / "a.jpg", quality=90)
    with Image.open(path) as image:
        whole = ImageOps.fit(image, (128, 128), Image.Resampling.LANCZOS)
    difference = read_image(path, 128) - np.asarray(whole) / 255
    assert np.sqrt(np.mean(difference**2)) < 1 / 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, picture, orientation):
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = picture
    for step in undo.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_image(saved(stored, tmp_path / "a.jpg", exif=exif, quality=95), 32)
    np.testing.assert_allclose(image, reference(picture, 32), atol=8 / 255)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [(mode, ".jpg") for mode in ("L", "CMYK", "YCbCr")]
    + [(mode, ".png") for mode in ("1", "L", "P", "LA")]
    + [(mode, ".tiff") for mode in ("1", "L", "P", "CMYK", "YCbCr")],
)
def test_colour_modes(tmp_path, picture, mode, suffix):
    converted = picture.convert(mode)
    path = saved(converted, tmp_path / f"a{suffix}", quality=95)
    expected = reference(converted.convert("RGB"), 32)
    assert np.abs(read_image(path, 32) - expected).mean() < 0.02


def test_transparency_is_laid_on_white(tmp_path):
    half = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    half.paste((255, 0, 0, 255), (0, 0, 32, 64))
    image = read_image(saved(half, tmp_path / "a.png"), 64)
    np.testing.assert_array_equal(image[0, 0], [1, 0, 0])
    np.testing.assert_array_equal(image[0, 63], [1, 1, 1])


def test_transparent_palette(tmp_path):
    image = Image.new("P", (64, 64), 0)
    image.putpalette([10, 20, 30, 255, 0, 0])
    image.paste(1, (0, 0, 32, 64))
    path = saved(image, tmp_path / "a.png", transparency=0)
    pixels = read_image(path, 64)
    np.testing.assert_array_equal(pixels[0, 0], [1, 0, 0])
    np.testing.assert_array_equal(pixels[0, 63], [1, 1, 1])


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_greyscale(tmp_path, suffix):
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    image = read_image(saved(Image.fromarray(ramp), tmp_path / f"a{suffix}"), 64)
    np.testing.assert_allclose(image[:, :, 0], ramp / 65535, atol=0.5 / 255 + 1e-6)
    assert (image[..., 0] == image[..., 2]).all()


def test_16_bit_colour(tmp_path):
    def chunk(kind, data):
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    row = b"\0" + np.tile(np.array([65535, 32768, 0], ">u2"), 20).tobytes()
    header = (20).to_bytes(4, "big") * 2 + bytes([16, 2, 0, 0, 0])
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * 20))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(read_image(path, 16)[0, 0], [1, 0.5, 0], atol=0.005)


def test_animation_gives_its_first_frame(tmp_path, picture):
    other = Image.new("RGB", picture.size, "white")
    path = tmp_path / "a.gif"
    picture.save(path, save_all=True, append_images=[other], duration=50)
    assert np.abs(read_image(path, 32) - reference(picture, 32)).mean() < 0.05


def test_wrong_extension_is_read_by_its_content(tmp_path, picture):
    path = tmp_path / "a.jpg"
    picture.save(path, format="PNG")
    np.testing.assert_allclose(read_image(path, 32), reference(picture, 32), atol=1.5 / 255)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.8])
def test_truncated(tmp_path, suffix, fraction):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (128, 128, 3), np.uint8))
    path = saved(noise, tmp_path / f"a{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: int(fraction * len(data))])
    with pytest.raises(InputError, match=f"a{suffix}.*(corrupt or cut short|not an image)"):
        read_image(path, 32)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"\n<!DOCTYPE html><html>404</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"PK\x03\x04 and so on", "a file of another or a broken kind"),
    ],
)
def test_not_an_image(tmp_path, content, reason):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"a.jpg: not an image but {reason}"):
        read_image(path, 32)


@pytest.mark.parametrize("size", [(1, 1), (300, 15)])
def test_too_small(tmp_path, size):
    path = saved(Image.new("RGB", size), tmp_path / "a.png")
    with pytest.raises(InputError, match=f"{size[0]} x {size[1]} pixels is too small"):
        read_image(path, 32)


@pytest.mark.parametrize("side", [9_500, 20_000])
def test_decompression_bomb(tmp_path, side):
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=r"a\.png: too large to decode safely"):
        read_image(path, 32)


def test_floating_point_pixels_are_refused(tmp_path):
    path = saved(Image.fromarray(np.ones((32, 32), np.float32)), tmp_path / "a.tiff")
    with pytest.raises(InputError, match="no defined white"):
        read_image(path, 32)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "a.jpg", 32)
    with pytest.raises(InputError, match="unreadable"):
        read_image(tmp_path, 32)


def test_impossible_size(tmp_path, picture):
    with pytest.raises(InputError, match="image size 0"):
        read_image(saved(picture, tmp_path / "a.png"), 0)


def test_pixels_are_the_image_in_8_bits(tmp_path, picture):
    path = saved(picture, tmp_path / "a.png")
    pixels = read_pixels(path, 32)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(read_image(path, 32), pixels / np.float32(255))
