"""A patient without a browser: aiortc speaks `booking.v1`, sees, is seen, and counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import VideoFrame

from tests.consultations.surgery import Page, page

LINES = ("audio", "video", "video")
MEDIA = {"mic": "on", "camera": "on", "screen": "off"}


class Lamp(VideoStreamTrack):
    """A picture that is brighter each time, so that no two in a row are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(width=320, height=240, format="yuv420p")
        for plane, light in zip(frame.planes, (self.sent * 8 % 256, 128, 128), strict=True):
            plane.update(bytes([light]) * plane.buffer_size)
        frame.pts, frame.time_base = pts, time_base
        self.sent += 1
        return frame


@dataclass
class Scripted:
    """It answers offers, as `booking.v1` has it, and makes none."""

    page: Page
    connection: RTCPeerConnection
    lamp: Lamp = field(default_factory=Lamp)
    pictures: int = 0
    sounds: int = 0
    looks: set[bytes] = field(default_factory=set)
    """How the pictures looked that came: their brightness, in rows far from each other."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def watch(self, track: MediaStreamTrack) -> None:
        self.tasks.append(asyncio.create_task(self._take(track)))

    async def _take(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                self.pictures += 1
                self.looks.add(bytes(frame.reformat(format="gray").planes[0])[::997])
            else:
                self.sounds += 1

    async def answer(self) -> None:
        """Take the first offer of the doctor's page, and its candidates for as long as it lasts."""
        offer = await self.page.hear("offer", **{"from": "doctor"})
        await self.connection.setRemoteDescription(
            RTCSessionDescription(**{name: offer["description"][name] for name in ("sdp", "type")})
        )
        lines = self.connection.getTransceivers()
        assert tuple(line.kind for line in lines) == LINES
        for line, track in zip(lines, (AudioStreamTrack(), self.lamp, None), strict=True):
            line.direction = "sendrecv"
            line.sender.replaceTrack(track)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        told = self.connection.localDescription
        await self.page.say(
            "answer",
            to=offer["epoch"],
            re=offer["id"],
            description={"type": "answer", "sdp": told.sdp},
        )
        self.tasks.append(asyncio.create_task(self._listen()))

    async def _listen(self) -> None:
        while True:
            frame = await self.page.hear("ice")
            if (about := frame["candidate"]) is None:
                continue
            candidate = candidate_from_sdp(about["candidate"].removeprefix("candidate:"))
            candidate.sdpMid, candidate.sdpMLineIndex = about["sdpMid"], about["sdpMLineIndex"]
            await self.connection.addIceCandidate(candidate)


@asynccontextmanager
async def scripted_patient(ws: str, way: dict[str, Any]) -> AsyncIterator[Scripted]:
    """It is in the room by this way in, says what it sends, and waits."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    async with page(ws, way, client=str(uuid4())) as (one, welcome):
        assert welcome["you"]["role"] == "patient"
        await one.say("media", **MEDIA)
        scripted = Scripted(one, connection)
        connection.on("track", scripted.watch)
        try:
            yield scripted
        finally:
            await connection.close()
            for task in scripted.tasks:
                task.cancel()
            ended = await asyncio.gather(*scripted.tasks, return_exceptions=True)
    for one_end in ended:
        if isinstance(one_end, Exception):
            raise one_end
