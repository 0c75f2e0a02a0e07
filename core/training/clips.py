"""Training clips, made from photos and from video by random motion, colour, blur and by pasting further objects.

A clip starts from layers: a scene (a photo that moves, or a piece of video) and up to two cut-out objects that move
over it or behind its objects. A cut-out is one more object to follow, or a distractor that belongs to nobody; copied
from the scene's own object, as it was or as it moves, it is a look-alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from core.training.data import IGNORE, Photo, TrainingData
from core.training.data import Sequence as VideoSequence
from core.training.weather import add_smoke, blur_along_motion, line_kernel

MIN_AREA = 80
"""Pixels an object must show on the first frame."""


@dataclass(frozen=True)
class ClipSettings:
    """The form of a training clip.

    Attributes:
        size: side of the square frames, pixels, a multiple of 16.
        length: N, frames per clip; a sample has 1 + 2 N frames (paper Sec. 3.6).
        clips: clips after the annotated frame; 2 in the paper. With more, more of what was predicted is remembered.
        inter_gap: largest distance between a clip's first frame and the frame before it, in source frames.
        intra_gap: largest distance between frames of one clip.
        video_share: share of samples that come from video.
        paste_share: share of samples with a pasted object; a second one follows in a quarter of these.
        alike_share: share of the pasted objects that are the scene's own once more.
        hide_share: share of samples in which something unlabelled passes in front of an object, or uncovers it.
        fast_share: share of samples with large steps, change of size, and blur along the way that the object moves.
        smoke_share: share of samples with something half transparent over an object: dust, smoke, spray.
        enter_share: share of samples in which an object comes in over the picture's border: on the first frame only a
            part of it is there to be marked.
        max_objects: most objects a sample asks for.
    """

    size: int = 224
    length: int = 2
    clips: int = 2
    inter_gap: int = 10
    intra_gap: int = 3
    video_share: float = 0.55
    paste_share: float = 0.5
    alike_share: float = 0.35
    hide_share: float = 0.0
    fast_share: float = 0.0
    smoke_share: float = 0.0
    enter_share: float = 0.0
    max_objects: int = 2

    @property
    def frames(self) -> int:
        return 1 + self.clips * self.length


@dataclass(frozen=True)
class CutOut:
    """An object pasted into a clip: for each of its frames a picture (h, w, 3) and a mask, bool (h, w)."""

    images: Sequence[np.ndarray]
    masks: Sequence[np.ndarray]
    is_alike: bool


@dataclass(frozen=True)
class TrainingClip:
    """frames uint8 (T, S, S, 3) RGB; labels uint8 (T, S, S): 0 background, 1..K objects, 255 ignored."""

    frames: np.ndarray
    labels: np.ndarray


class ClipMaker:
    """Makes clips from `data` at random; `rng` decides everything."""

    def __init__(self, data: TrainingData, settings: ClipSettings, rng: np.random.Generator):
        self.settings, self.rng = settings, rng
        self.photos = [photo for photos in data.photos.values() for photo in photos]
        self.photos_up_to = np.cumsum([photo.weight for photo in self.photos])
        self.sequences = data.sequences
        frames = np.array([np.sqrt(len(s.frames)) * s.weight for s in data.sequences], np.float64)
        self.sequence_weights = frames / frames.sum()
        self._is_fast = False

    def make(self) -> TrainingClip:
        """One clip whose first frame shows at least one object of MIN_AREA pixels."""
        while True:
            video = self.rng.random() < self.settings.video_share
            self._is_fast = self.rng.random() < self.settings.fast_share
            frames, labels = self._from_video() if video else self._from_photo()
            if self.rng.random() < self.settings.paste_share:
                self._paste(frames, labels)
                if self.rng.random() < 0.25:
                    self._paste(frames, labels)
            if self.rng.random() < self.settings.hide_share:
                self._hide(frames, labels) if self.rng.random() < 0.5 else self._board(frames, labels)
            if self._is_fast:
                blur_along_motion(frames, labels, self.rng)
            if self.rng.random() < self.settings.smoke_share:
                add_smoke(frames, labels, self.rng)
            chosen = self._choose(labels)
            if chosen is not None:
                return TrainingClip(self._recolour(frames), chosen)

    def _draw_photo(self) -> Photo:
        return self.photos[np.searchsorted(self.photos_up_to, self.rng.random() * self.photos_up_to[-1], "right")]

    # scenes

    def _from_photo(self) -> tuple[np.ndarray, np.ndarray]:
        photo = self._draw_photo()
        ids = photo.labels
        chosen = photo.objects[self.rng.integers(len(photo.objects))]
        labels = np.where(ids == IGNORE, np.uint8(IGNORE), np.uint8(0))
        others = [i for i in photo.objects if i != chosen]
        labels[ids == chosen] = 1
        if others and self.rng.random() < 0.5:
            labels[ids == others[self.rng.integers(len(others))]] = 2
        maps = self._trajectory(_point_inside(labels == 1, self.rng), self._zoom(ids.shape), 1.0, self._enters())
        images = _warp_images([photo.image] * len(maps), maps)
        return images, _warp_labels([labels] * len(maps), maps)

    def _from_video(self) -> tuple[np.ndarray, np.ndarray]:
        sequence = self.sequences[self.rng.choice(len(self.sequences), p=self.sequence_weights)]
        index = self._labelled_indices(sequence) if sequence.is_sparse else self.frame_indices(len(sequence.frames))
        start = sequence.labels[index[0]]
        if not _ids(start):
            index = index[::-1]
            start = sequence.labels[index[0]]
        ids, focus = _ids(start), 1
        if ids:
            areas = np.array([(start == i).sum() for i in ids])
            large = [i for i, area in zip(ids, areas, strict=True) if area >= MIN_AREA]
            focus = large[self.rng.integers(len(large))] if large else ids[int(areas.argmax())]
        centre = _point_inside(start == focus, self.rng) if ids else np.array(start.shape[::-1]) / 2
        maps = self._trajectory(centre, self._zoom(start.shape), 0.6 if self._is_fast else 0.15, self._enters())
        frames = _warp_images([sequence.frames[i] for i in index], maps)
        swap = np.arange(256, dtype=np.uint8)  # the object in the middle is number 1, as in a photo
        swap[1], swap[focus] = focus, 1
        return frames, _warp_labels([swap[sequence.labels[i]] for i in index], maps)

    def _labelled_indices(self, sequence: VideoSequence) -> np.ndarray:
        """Frames of a sample where few have a mask: the first and the last have one; half the time reversed."""
        count, labelled = self.settings.frames, sequence.labelled
        assert labelled is not None, "a sequence with a mask on every frame"
        first = int(self.rng.integers(len(labelled)))
        last = min(len(labelled) - 1, first + int(self.rng.integers(1, 3)))
        index = np.linspace(labelled[first], labelled[last], count).round().astype(int)
        for between in labelled[first + 1 : last]:
            index[np.abs(index - between).argmin()] = between
        return index[::-1] if self.rng.random() < 0.5 else index

    def frame_indices(self, count: int) -> np.ndarray:
        """Frames of the sample: one, then the clips; half the time reversed. Gaps shrink if the video is short, and its
        last frame is repeated if it is shorter than the sample."""
        s = self.settings
        inter = self.rng.integers(1, s.inter_gap + 1, s.clips)
        intra = self.rng.integers(1, s.intra_gap + 1)
        if self._is_fast:
            inter, intra = inter + s.intra_gap, intra + s.intra_gap // 2
        steps = np.concatenate([[g, *[intra] * (s.length - 1)] for g in inter])
        while steps.sum() >= count and steps.max() > 1:
            steps = np.maximum(steps - 1, 1)
        start = self.rng.integers(max(1, count - steps.sum()))
        index = np.minimum(np.concatenate([[0], np.cumsum(steps)]) + start, count - 1)
        return index[::-1] if self.rng.random() < 0.5 else index

    def _enters(self) -> bool:
        return bool(self.settings.enter_share and self.rng.random() < self.settings.enter_share)

    def _zoom(self, shape: tuple[int, int]) -> float:
        """Output pixels per source pixel: sources are 288 or so high and are followed at up to 480."""
        least = max(0.6, 0.8 * self.settings.size / min(shape))
        return float(np.exp(self.rng.uniform(np.log(least), np.log(max(1.9, least * 1.2)))))

    # motion

    def _trajectory(self, centre: np.ndarray, zoom: float, motion: float, enters: bool = False) -> list[np.ndarray]:
        """Per frame a float32 (S, S, 2) map from output to source pixels: a camera moving smoothly, the scene bending.

        Args:
            centre: source pixel (x, y) near the middle of the first frame. motion: 1 for stills, less for real video.
            enters: the pixel is near the border on the first frame instead, and comes in.
        """
        s, rng = self.settings, self.rng
        t = np.linspace(-0.5, 0.5, s.frames) * rng.choice([-1, 1])
        pace = rng.uniform(1.2, 2.2) if self._is_fast else 1.0
        jitter = lambda scale: scale * motion * (t * rng.normal() + 0.15 * rng.normal(size=s.frames))  # noqa: E731
        angle = np.deg2rad(rng.uniform(-15, 15) + jitter(20))
        grow = zoom * np.exp(jitter(0.25))
        if self._is_fast and rng.random() < 0.6:
            grow *= np.exp((t - t[0]) * rng.choice([-1, 1]) * rng.uniform(np.log(1.5), np.log(3.0)))
        stretch = np.exp(rng.uniform(-0.12, 0.12) + jitter(0.12))
        shear = np.deg2rad(rng.uniform(-8, 8) + jitter(10))
        drift = pace * np.stack([jitter(0.45 * s.size), jitter(0.3 * s.size)], 1) / zoom
        if enters:
            drift += self._entrance() / zoom
        else:
            centre = centre + rng.uniform(-0.3, 0.3, 2) * s.size / zoom
        flip = -1.0 if rng.random() < 0.5 else 1.0
        bend = 0.03 * s.size / zoom * motion * rng.random()
        bends = [rng.normal(size=(2, 4, 4)).astype(np.float32) * bend for _ in range(2)]
        grid = _centred_grid(s.size)
        maps = []
        for i in range(s.frames):
            c, n = np.cos(angle[i]), np.sin(angle[i])
            linear = (
                np.array([[c, -n], [n, c]]) @ np.array([[stretch[i], np.tan(shear[i])], [0, 1 / stretch[i]]]) / grow[i]
            )
            linear[:, 0] *= flip
            m = grid @ linear.T.astype(np.float32) + (centre + drift[i]).astype(np.float32)
            if bend:
                field = bends[0] + t[i] * 2 * bends[1]
                m += np.stack([cv2.resize(f, (s.size, s.size), interpolation=cv2.INTER_CUBIC) for f in field], -1)
            maps.append(m)
        return maps

    def _entrance(self) -> np.ndarray:
        """Per frame how far the camera is to look past what is in its middle, output pixels (x, y), (T, 2): on the
        first one so far that it lies near the border, on a later one no more. Mostly from the left or the right."""
        s, rng = self.settings, self.rng
        turn = np.deg2rad(rng.choice([0, 0, 90, 180, 180, 270]) + rng.normal(0, 15))
        way = np.array([np.cos(turn), np.sin(turn)])
        way *= rng.uniform(0.85, 1.05) * s.size / 2 / np.abs(way).max()
        arrives = rng.uniform(0.3, 1.0) * (s.frames - 1)
        rest = rng.uniform(0, 0.5)
        left = np.maximum(rest, 1 - np.arange(s.frames) / arrives)
        return left[:, None] * way

    # further objects

    def _paste(self, frames: np.ndarray, labels: np.ndarray) -> None:
        """Move one cut-out over the clip, or behind its objects; in place. Its label is the next free id."""
        s, rng = self.settings, self.rng
        cut_out = self._cut_out(frames, labels)
        if cut_out is None:
            return
        ys, xs = np.nonzero(cut_out.masks[0])
        extent = max(np.ptp(ys), np.ptp(xs)) + 1
        wanted = s.size * rng.uniform(0.2, 0.7)
        zoom = rng.uniform(0.75, 1.2) if cut_out.is_alike else wanted / extent
        centre = np.array([xs.mean(), ys.mean()])
        place = rng.uniform(-0.4, 0.4, 2) * s.size
        travel = rng.normal(size=2) * (0.8 if self._is_fast else 0.35) * s.size
        maps = self._trajectory(centre, zoom, 0.4)
        label = np.uint8(max(labels[labels != IGNORE].max(initial=0) + 1, 2))
        behind = rng.random() < 0.35
        for i, (m, image, mask) in enumerate(zip(maps, cut_out.images, cut_out.masks, strict=True)):
            moved = m - ((place + travel * (i / (len(maps) - 1) - 0.3)) / zoom).astype(np.float32)
            alpha = _remapped(mask.astype(np.uint8) * 255, moved)
            alpha = cv2.GaussianBlur(alpha, (3, 3), 0.8).astype(np.float32) / 255
            if behind:
                alpha *= (labels[i] == 0) | (labels[i] == IGNORE)
            pixels = _remapped(image, moved, cv2.BORDER_REFLECT_101)
            frames[i] = frames[i] + alpha[..., None] * (pixels.astype(np.float32) - frames[i])
            labels[i][alpha > 0.5] = label

    def _hide(self, frames: np.ndarray, labels: np.ndarray) -> None:
        """Let a whole photo or a large cut-out of one cross the middle of an object, so that it is hidden for a while,
        or lie over part of it at first and go, so that more of the object appears than was marked; in place.

        What passes in front is background. The first frame is left alone, or goes on showing a quarter of the object.
        """
        s, rng = self.settings, self.rng
        photo = self._draw_photo()
        if rng.random() < 0.5:
            mask = np.ones(photo.labels.shape, bool)
        else:
            mask = photo.labels == photo.objects[rng.integers(len(photo.objects))]
        image = photo.image
        reveals = rng.random() < 0.35
        ys, xs = np.nonzero(mask)
        share = rng.uniform(0.3, 1.0) if reveals else rng.uniform(0.8, 1.8)
        zoom = s.size * share / (max(np.ptp(ys), np.ptp(xs)) + 1)
        turn = rng.uniform(0, 2 * np.pi)
        travel = np.array([np.cos(turn), np.sin(turn)]) * s.size * rng.uniform(0.4, 1.2)
        when = rng.uniform(-0.3, 0.0) if reveals else rng.uniform(0.3, 1.2)
        maps = self._trajectory(np.array([xs.mean(), ys.mean()]), zoom, 0.2)
        own = labels[0 if reveals else len(labels) // 2]
        target = np.argwhere((own > 0) & (own != IGNORE)).mean(0)[::-1] if ((own > 0) & (own != IGNORE)).any() else None
        place = (target if target is not None else np.full(2, s.size / 2)) - s.size / 2
        for i in range(0 if reveals else 1, len(maps)):
            moved = maps[i] - ((place + travel * (i / (len(maps) - 1) - when)) / zoom).astype(np.float32)
            alpha = _remapped(mask.astype(np.uint8) * 255, moved)
            alpha = cv2.GaussianBlur(alpha, (3, 3), 0.8).astype(np.float32) / 255
            if i == 0 and not _stays_visible(labels[0], alpha > 0.5):
                return
            pixels = _remapped(image, moved, cv2.BORDER_REFLECT_101)
            frames[i] = frames[i] + alpha[..., None] * (pixels.astype(np.float32) - frames[i])
            labels[i][alpha > 0.5] = 0

    def _board(self, frames: np.ndarray, labels: np.ndarray) -> None:
        """Let a photo cover an object on some frames after the first, wherever it goes; in place.

        The board is background, whatever it shows. In half of the cases it is gone again by the last frame.
        """
        rng, last = self.rng, len(labels) - 1
        ids = _ids(labels[0])
        if not ids or last < 2:
            return
        own = ids[rng.integers(len(ids))]
        begin = int(rng.integers(1, last))
        end = int(rng.integers(begin, last)) if rng.random() < 0.5 else last
        picture = self._draw_photo().image
        grow, aside = rng.uniform(1.05, 1.8, 2), rng.normal(size=2) * 0.05
        boxes = {i: cv2.boundingRect((labels[i] == own).view(np.uint8)) for i in range(last + 1)}
        size = np.max([boxes[i][2:] for i in range(begin, end + 1)], 0)
        if not size.all():
            return
        board = np.maximum(1, (size * grow).astype(int))
        picture = cv2.resize(picture, board.tolist(), interpolation=cv2.INTER_AREA)
        centre = np.zeros(2)
        for i in range(begin, end + 1):
            x, y, w, h = boxes[i]
            centre = np.array([x + w / 2, y + h / 2]) + aside * size if w else centre
            left, top = (centre - board / 2).astype(int)
            inside = np.s_[max(0, top) : max(0, top + board[1]), max(0, left) : max(0, left + board[0])]
            height, width = labels[i][inside].shape
            frames[i][inside] = picture[max(0, -top) :, max(0, -left) :][:height, :width]
            labels[i][inside] = 0

    def _cut_out(self, frames: np.ndarray, labels: np.ndarray) -> CutOut | None:
        """The clip's own object, still or moving as it does, some frames late, or one of a photo."""
        rng, count = self.rng, len(frames)
        is_alike = rng.random() < self.settings.alike_share
        if is_alike:
            late = rng.integers(0, count)
            images, masks = [], []
            for i in np.maximum(np.arange(count) - late, 0) if rng.random() < 0.5 else np.zeros(count, int):
                images.append(frames[i].copy())
                masks.append(labels[i] == 1)
        else:
            photo = self._draw_photo()
            mask = photo.labels == photo.objects[rng.integers(len(photo.objects))]
            images, masks = [photo.image] * count, [mask] * count
        return CutOut(images, masks, is_alike) if masks[0].sum() >= MIN_AREA else None

    def _choose(self, labels: np.ndarray) -> np.ndarray | None:
        """Keep up to `max_objects` of the objects visible on the first frame, as ids 1..K; the rest is background."""
        ids, counts = np.unique(labels[0], return_counts=True)
        large = [i for i, c in zip(ids, counts, strict=True) if i not in (0, IGNORE) and c >= MIN_AREA]
        if not large:
            return None
        most = self.settings.max_objects if self.rng.random() < 0.7 else 1
        chosen = self.rng.permutation(large)[:most]
        lut = np.zeros(256, np.uint8)
        lut[IGNORE] = IGNORE
        lut[chosen] = np.arange(1, len(chosen) + 1)
        return lut[labels]

    # colour

    def _recolour(self, frames: np.ndarray) -> np.ndarray:
        """Brightness, contrast, saturation and hue for the clip, a little for each frame; at times grey, or blurred."""
        rng = self.rng
        clip = colour_matrix(rng, 0.15, grey=rng.random() < 0.05)
        blur = rng.random() < 0.15
        out = np.empty_like(frames)
        for i, frame in enumerate(frames):
            matrix = colour_matrix(rng, 0.02)
            matrix[:, :3], matrix[:, 3] = matrix[:, :3] @ clip[:, :3], matrix[:, :3] @ clip[:, 3] + matrix[:, 3]
            out[i] = cv2.transform(frame, matrix)
            if blur and rng.random() < 0.7:
                out[i] = motion_blur(out[i], rng)
        return out


class ClipStream(IterableDataset):
    """An endless stream of clips as tensors: frames uint8 (T, 3, S, S), labels uint8 (T, S, S). Seeded per worker."""

    def __init__(self, data: TrainingData, settings: ClipSettings, seed: int):
        self.data, self.settings, self.seed = data, settings, seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        maker = ClipMaker(self.data, self.settings, rng)
        while True:
            clip = maker.make()
            yield torch.from_numpy(clip.frames.transpose(0, 3, 1, 2).copy()), torch.from_numpy(clip.labels)


def _stays_visible(labels: np.ndarray, hidden: np.ndarray) -> bool:
    """Whether a quarter of every object shows beside what is `hidden`."""
    ids = _ids(labels)
    return all(((labels == i) & ~hidden).sum() >= 0.25 * (labels == i).sum() for i in ids)


def _ids(labels: np.ndarray) -> list[int]:
    """The objects that a label map shows."""
    return [int(i) for i in np.unique(labels) if i not in (0, IGNORE)]


def _point_inside(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random (x, y) of the mask."""
    ys, xs = np.nonzero(mask)
    i = rng.integers(len(ys))
    return np.array([xs[i], ys[i]], np.float64)


def _centred_grid(size: int) -> np.ndarray:
    """float32 (S, S, 2): (x, y) of each pixel relative to the middle."""
    axis = np.arange(size, dtype=np.float32) - (size - 1) / 2
    return np.stack(np.meshgrid(axis, axis), -1)


def _warp_images(images: list[np.ndarray], maps: list[np.ndarray]) -> np.ndarray:
    """Images through their maps, mirrored at the border; stacked."""
    border = cv2.BORDER_REFLECT_101
    return np.stack([_remapped(image, m, border) for image, m in zip(images, maps, strict=True)])


def _warp_labels(labels: list[np.ndarray], maps: list[np.ndarray]) -> np.ndarray:
    """Label maps through their maps; stacked. Beyond the border nothing is said: a mirrored copy is not the object."""
    return np.stack(
        [
            _remapped(image, m, cv2.BORDER_CONSTANT, cv2.INTER_NEAREST, beyond=IGNORE)
            for image, m in zip(labels, maps, strict=True)
        ]
    )


def _remapped(
    image: np.ndarray,
    places: np.ndarray,
    border: int = cv2.BORDER_CONSTANT,
    way: int = cv2.INTER_LINEAR,
    beyond: float = 0,
) -> np.ndarray:
    """The image at places float32 (H, W, 2), (x, y)."""
    return cv2.remap(  # type: ignore[call-overload]  # OpenCV's stubs ask for a second map, which is in the first
        image, places, None, way, borderMode=border, borderValue=beyond
    )


def colour_matrix(rng: np.random.Generator, strength: float, grey: bool = False) -> np.ndarray:
    """float32 (3, 4) for cv2.transform: contrast and brightness around mid-grey, saturation, a turn of the hue."""
    gain = 1 + strength * rng.uniform(-1, 1)
    offset = 255 * strength * rng.uniform(-1, 1) * 0.6
    saturation = 0.0 if grey else 1 + 1.5 * strength * rng.uniform(-1, 1)
    luma = np.tile([0.299, 0.587, 0.114], (3, 1))
    matrix = luma + saturation * (np.eye(3) - luma)
    turn = 1.2 * strength * rng.uniform(-1, 1)
    matrix = gain * (np.cos(turn) * np.eye(3) + (1 - np.cos(turn)) / 3 + np.sin(turn) / np.sqrt(3) * _TURN) @ matrix
    return np.hstack([matrix, np.full((3, 1), offset + 128 * (1 - gain))]).astype(np.float32)


_TURN = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float64)


def motion_blur(frame: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A frame uint8 (H, W, 3), smeared over 2 to 8 pixels in some direction."""
    angle = rng.uniform(0, np.pi)
    return cv2.filter2D(frame, -1, line_kernel(rng.uniform(2, 8) * np.array([np.cos(angle), np.sin(angle)])))
