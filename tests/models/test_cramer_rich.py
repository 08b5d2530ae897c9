"""The Cramer GAN of the Cherenkov detectors."""

from tests.contract import check_entry

TINY = {
    "noise": 4, "generator_dense": (8, 8), "critic_dense": (8, 8), "critic_outputs": 5,
    "critic_steps": 2, "batch_size": 16,
}  # fmt: skip


def test_entry():
    check_entry("cramer_rich", TINY, "rich")
