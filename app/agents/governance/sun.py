"""Where the sun stands: what a roof can have generated without anybody asking its meter.

The usual low-precision formulas (Astronomical Almanac, section C), good to a fraction of a degree,
without refraction.
"""

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin

DARK_BELOW = -12.0
_J2000 = 946_728_000
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Sun:
    """The sun as a place sees it; `latitude` north and `longitude` east, in degrees."""

    latitude: float
    longitude: float

    def elevation(self, timestamp: float) -> float:
        """Degrees above the horizon (negative: below it)."""
        days = (timestamp - _J2000) / _DAY
        anomaly = radians(357.529 + 0.98560028 * days)
        mean_longitude = 280.459 + 0.98564736 * days
        ecliptic = radians(mean_longitude + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly))
        obliquity = radians(23.439 - 0.00000036 * days)
        right_ascension = atan2(cos(obliquity) * sin(ecliptic), cos(ecliptic))
        declination = asin(sin(obliquity) * sin(ecliptic))
        sidereal_hours = 18.697374558 + 24.06570982441908 * days
        hour_angle = radians(15 * sidereal_hours + self.longitude) - right_ascension
        latitude = radians(self.latitude)
        height = sin(latitude) * sin(declination)
        height += cos(latitude) * cos(declination) * cos(hour_angle)
        return degrees(asin(height))

    def is_dark(self, start: int, seconds: int) -> bool:
        """Whether it is night from `start` on for so long: no light is left, nor any yet.

        The sun is 12 degrees below the horizon or more, the end of nautical twilight, so that
        profiles of a place nearby, or clocks that go an hour wrong, accuse nobody.
        """
        moments = (start, start + seconds / 2, start + seconds)
        return max(map(self.elevation, moments)) < DARK_BELOW


# The middle of Germany, where the SimBench profiles come from.
GERMANY = Sun(51.2, 10.4)
