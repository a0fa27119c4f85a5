"""Pictures come out upright, in their colours, and without a word of what was said about them."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms, ImageOps

from booking_system.files.adapters.pictures.decoding import ChildPictures
from booking_system.files.domain.purposes import Size
from booking_system.files.domain.stored_file import UploadFault
from tests.files.sending import a_picture, an_upload


def corners(picture: Image.Image) -> list[str]:
    plain = picture.convert("RGB")
    width, height = plain.size
    places = [(2, 2), (width - 3, 2), (2, height - 3), (width - 3, height - 3)]
    found = [plain.getpixel(place) for place in places]
    return ["red" if pixel[0] > pixel[2] else "blue" for pixel in found]  # type: ignore[index]


@pytest.mark.parametrize(
    "orientation",
    [3, 6, *(pytest.param(one, marks=pytest.mark.proof) for one in (1, 2, 4, 5, 7, 8))],
)
async def test_a_camera_may_be_held_in_any_way(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[1] = "N"
    content = a_picture("JPEG", (90, 60), exif=exif)
    made = await ChildPictures().whole(an_upload(tmp_path, content))
    shown = Image.open(io.BytesIO(made.content))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert shown.size == upright.size
    assert corners(shown) == corners(upright)
    assert not shown.getexif()
    assert b"Exif" not in made.content


async def test_what_is_clear_stays_clear_and_what_is_small_stays_small(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    target = io.BytesIO()
    clear.save(target, "PNG")
    made = await ChildPictures().sizes(an_upload(tmp_path, target.getvalue()))
    assert {size: Image.open(io.BytesIO(one.content)).size for size, one in made.items()} == {
        Size.SMALL: (96, 32),
        Size.MEDIUM: (256, 85),
        Size.LARGE: (300, 100),
    }
    assert {one.kind for one in made.values()} == {"image/png"}


async def test_colours_are_those_of_the_pictures_own_profile(tmp_path: Path) -> None:
    """By this profile red is what sRGB calls blue, and blue is red."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    made = {}
    for name, profile in (("none", None), ("swapped", swapped), ("unreadable", b"no profile")):
        content = a_picture("PNG", icc_profile=profile)
        one = await ChildPictures().whole(an_upload(tmp_path, content))
        made[name] = corners(Image.open(io.BytesIO(one.content)))
        assert b"iCCP" not in one.content
    left_red, left_blue = ["red", "blue"] * 2, ["blue", "red"] * 2
    assert made == {"none": left_red, "swapped": left_blue, "unreadable": left_red}


async def test_memory_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte is enough for any picture that is taken; here it is as much as the program."""
    child = tmp_path / "child.py"
    from booking_system.files.adapters.pictures import decoding  # noqa: PLC0415

    child.write_text(decoding.CHILD.read_text().replace("1 << 30", "1 << 26"))
    content = a_picture("PNG", (5000, 5000))
    monkeypatch.setattr(decoding, "CHILD", child)
    with pytest.raises(UploadFault):
        await ChildPictures().whole(an_upload(tmp_path, content))
