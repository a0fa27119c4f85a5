"""Makes the frames that a page is told, of what a room is: `frames_out` has their models."""

from collections.abc import Iterable
from typing import Any

from booking_system.consultations.domain.ice import IceServers
from booking_system.consultations.domain.presence import Sitting
from booking_system.consultations.domain.stored import Entry, EntryKind


def presence_of(sitting: Sitting) -> dict[str, Any]:
    """Return the frame that tells of a sitting."""
    return {"type": "presence", **_person(sitting)}


def _person(sitting: Sitting) -> dict[str, Any]:
    return {
        "who": sitting.seat,
        "state": sitting.presence,
        "epoch": sitting.epoch,
        "client": sitting.client,
        "media": {
            "mic": sitting.media.mic,
            "camera": sitting.media.camera,
            "screen": sitting.media.screen,
        },
        "name": sitting.name,
        "since": sitting.since,
    }


def people(sittings: Iterable[Sitting]) -> list[dict[str, Any]]:
    """Return what `welcome` says of the others."""
    return [_person(one) for one in sittings]


def stored_of(entry: Entry) -> dict[str, Any]:
    """Return the frame of what is stored."""
    frame: dict[str, Any] = {"type": entry.kind, "seq": entry.seq, "at": entry.at}
    if entry.kind is EntryKind.CHAT:
        said = {"id": entry.client_id, "from": entry.seat, "text": entry.text}
        return frame | said | {"file": attachment_of(entry)}
    if entry.kind is EntryKind.ENDED:
        return frame | {"reason": entry.reason}
    return frame | {"who": entry.of}


def attachment_of(entry: Entry) -> dict[str, Any] | None:
    """Return what is told of the file that a message names."""
    file = entry.file
    if file is None:
        return None
    return {
        "id": file.id,
        "filename": file.filename,
        "content_type": file.kind,
        "size": file.size,
    }


def ice_of(ice: IceServers) -> list[dict[str, Any]]:
    """Return what `RTCPeerConnection` takes."""
    return [
        {"urls": list(one.urls)}
        if one.username is None
        else {
            "urls": list(one.urls),
            "username": one.username,
            "credential": one.credential,
        }
        for one in ice.servers
    ]
