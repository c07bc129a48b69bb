"""How many images a profile asks for, by which the cost of its steps is counted."""

from companion.config import Profile


def num_test_images(profile: Profile, *, mixed: bool) -> int:
    """Return how many images are scored: with the mixed network also external ones and objects."""
    external, count = profile.data.external, 2 * profile.data.skin.test
    if not mixed:
        return count
    if external is not None:
        count += external.per_type * len(external.types)
    return count + num_clean_and_objects(profile)


def num_clean_and_objects(profile: Profile) -> int:
    """Return how many images without objects, with drawn ones and with real ones there are."""
    objects = profile.data.objects
    drawn = objects.per_kind * (1 + len(objects.kinds))
    return drawn + sum(objects.tagged.values())
