"""Decodes one picture from standard input and writes it anew to standard output, under limits.

A program of its own, which knows nothing of the rest: `python -I -S child.py FOLDER KIND SIDES`.
FOLDER is where Pillow is installed, KIND one of its formats, SIDES either `whole` or the longest
sides wanted, with commas between. It writes a line of words (`no`, or the format and the lengths of
the pictures) and then the pictures. Memory and time have limits that the kernel keeps.
"""

import io
import resource
import sys
from typing import Any

MEMORY_BYTES = 1 << 30
SECONDS = 20
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 30_000
QUALITY = 88
OPAQUE = 255


def main(folder: str, kind: str, sides: str) -> None:
    """Do it."""
    sys.path.append(folder)
    wanted = [] if sides == "whole" else [int(side) for side in sides.split(",")]
    reader = _reader(kind)
    # Behind the imports, whose bytecode may be kept, and in front of the first byte of the picture.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        written, pictures = _written(reader, kind, wanted)
    except Exception:  # noqa: BLE001  (a picture that fails in any way is not used)
        sys.stdout.buffer.write(b"no\n")
        return
    lengths = " ".join(str(len(one)) for one in pictures)
    sys.stdout.buffer.write(f"{written} {lengths}\n".encode() + b"".join(pictures))


def _reader(kind: str) -> Any:
    """Return the one reader that is asked: no other plug-in ever sees the bytes."""
    if kind == "JPEG":
        from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415

        return JpegImageFile
    if kind == "PNG":
        from PIL.PngImagePlugin import PngImageFile  # noqa: PLC0415

        return PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile  # noqa: PLC0415

    return WebPImageFile


def _written(reader: Any, kind: str, sides: list[int]) -> tuple[str, list[bytes]]:
    from PIL import Image, ImageOps  # noqa: PLC0415

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with reader(io.BytesIO(sys.stdin.buffer.read())) as opened:
        width, height = opened.size
        if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
            raise ValueError("pixels")
        if getattr(opened, "n_frames", 1) > 1:
            raise ValueError("frames")
        if sides:
            # Of a large photo no more is decoded than is needed.
            opened.draft("RGB", (2 * max(sides), 2 * max(sides)))
        picture = _plain(ImageOps.exif_transpose(opened))
    written = kind
    if sides:
        written = "PNG" if picture.mode == "RGBA" else "JPEG"
    return written, [_encoded(picture, side, written) for side in sides or [0]]


def _plain(picture: Any) -> Any:
    """Colours as every screen shows them, opaque if they are; nothing else is left."""
    from PIL import Image  # noqa: PLC0415

    has_alpha = picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info
    if picture.info.get("icc_profile") and picture.mode in {"RGB", "CMYK", "L"}:
        picture = _in_srgb(picture)
    plain = picture.convert("RGBA" if has_alpha else "RGB")
    if has_alpha and plain.getextrema()[3][0] == OPAQUE:
        plain = plain.convert("RGB")
    fresh = Image.new(plain.mode, plain.size)
    fresh.paste(plain)
    return fresh


def _in_srgb(picture: Any) -> Any:
    """Its colours by its own profile; by none where that cannot be read."""
    from PIL import ImageCms  # noqa: PLC0415

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, profile, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture


def _encoded(picture: Any, side: int, written: str) -> bytes:
    small = picture
    if side:
        small = picture.copy()
        small.thumbnail((side, side))
    target = io.BytesIO()
    if written == "JPEG":
        small.convert("RGB").save(target, "JPEG", quality=QUALITY, optimize=bool(side))
    elif written == "WEBP":
        small.save(target, "WEBP", quality=QUALITY, method=4)
    else:
        small.save(target, "PNG")
    return target.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])
