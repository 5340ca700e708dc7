"""An encoder of ITU-T G.722 at 64 kbit/s: enough of a wideband phone to be heard above 4 kHz.

Two bands (a quadrature mirror filter), each as adaptive differential PCM: six bits of the lower, two of the
higher band in every byte. Names of variables and the tables are those of the recommendation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

_QMF = (3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11)
_Q6 = (
    *(0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023),
    *(1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919),
)
_ILB = tuple(round(2048 * 2 ** (at / 32)) for at in range(32))
_QM4 = (0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0)
_RL42 = (0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0)
_WL = (-60, -30, 58, 172, 334, 538, 1198, 3042)
_QM2 = (-7408, -1616, 7408, 1616)
_WH = (798, -214)  # of a great and of a small difference


def _clip(value: int, most: int = 32767) -> int:
    return max(-most - (most == 32767), min(most, value))


class _Predictor:
    """What a band is expected to be next: two poles, six zeros, adapted by the signs of what came."""

    def __init__(self) -> None:
        self.expected = 0
        self._zeros = 0
        self._a = [0, 0]
        self._b = [0] * 6
        self._past = deque([0] * 6, maxlen=6)  # quantised differences
        self._built = [0, 0]  # reconstructed signals
        self._partial = [0, 0]  # differences and zeros

    def take(self, difference: int) -> None:
        built = _clip(self.expected + difference)
        partial = _clip(self._zeros + difference)
        first, second = ((partial < 0) == (one < 0) for one in self._partial)
        step = _clip(4 * self._a[0])
        a2 = ((-step if first else step) >> 7) + (128 if second else -128) + (self._a[1] * 32512 >> 15)
        a2 = _clip(a2, 12288)
        a1 = _clip((192 if first else -192) + (self._a[0] * 32640 >> 15), 15360 - a2)
        grow = 128 if difference else 0
        self._b = [
            (grow if (old < 0) == (difference < 0) else -grow) + (one * 32640 >> 15)
            for one, old in zip(self._b, self._past, strict=True)
        ]
        self._a = [a1, a2]
        self._past.appendleft(difference)
        self._built, self._partial = [built, self._built[0]], [partial, self._partial[0]]
        poles = sum(a * _clip(2 * one) >> 15 for a, one in zip(self._a, self._built, strict=True))
        self._zeros = _clip(sum(b * _clip(2 * one) >> 15 for b, one in zip(self._b, self._past, strict=True)))
        self.expected = _clip(poles + self._zeros)


def _scale(level: int, shift: int) -> int:
    """The step of the quantiser at a logarithmic level."""
    places = shift - (level >> 11)
    mantissa = _ILB[level >> 6 & 31]
    return (mantissa << -places if places < 0 else mantissa >> places) << 2


class _Band:
    def __init__(self, step: int) -> None:
        self.predictor = _Predictor()
        self.level = 0
        self.step = step


def encode(samples: Sequence[int]) -> bytes:
    """Samples of 16 bit at 16 kHz, as G.722: one byte for two of them."""
    low, high = _Band(32), _Band(8)
    line: deque[int] = deque([0] * 24, maxlen=24)
    coded = bytearray()
    for at in range(0, len(samples) - 1, 2):
        line.extend(samples[at : at + 2])
        taps = list(line)
        even = sum(taps[2 * n] * _QMF[n] for n in range(12))
        odd = sum(taps[2 * n + 1] * _QMF[11 - n] for n in range(12))
        coded.append(_high(high, (odd - even) >> 14) << 6 | _low(low, (even + odd) >> 14))
    return bytes(coded)


def _low(band: _Band, value: int) -> int:
    error = _clip(value - band.predictor.expected)
    size = error if error >= 0 else -(error + 1)
    rank = next((at for at in range(1, 30) if size < _Q6[at] * band.step >> 12), 30)
    code = (62 - rank) if error >= 0 else (64 - rank if rank < 3 else 34 - rank)
    difference = band.step * _QM4[code >> 2] >> 15
    band.level = max(0, min(18432, (band.level * 127 >> 7) + _WL[_RL42[code >> 2]]))
    band.step = _scale(band.level, 8)
    band.predictor.take(difference)
    return code


def _high(band: _Band, value: int) -> int:
    error = _clip(value - band.predictor.expected)
    size = error if error >= 0 else -(error + 1)
    great = size >= 564 * band.step >> 12
    code = (2 if great else 3) if error >= 0 else (0 if great else 1)
    difference = band.step * _QM2[code] >> 15
    band.level = max(0, min(22528, (band.level * 127 >> 7) + _WH[0 if great else 1]))
    band.step = _scale(band.level, 10)
    band.predictor.take(difference)
    return code
