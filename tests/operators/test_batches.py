"""Images in equal batches."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.operators.batches import batches, evaluate, outputs_by_batch


@settings(max_examples=25)
@given(count=st.integers(1, 70), batch_size=st.one_of(st.none(), st.integers(1, 40)))
def test_batches_are_equal_and_hold_every_image_once(count, batch_size):
    images = np.arange(count, dtype=np.float32).reshape(count, 1)
    made = list(batches(images, batch_size))
    assert len({len(batch.images) for batch in made}) == 1
    assert len(made[0].images) <= (batch_size or 32)
    kept = np.concatenate([np.asarray(batch.images)[: batch.size] for batch in made])
    np.testing.assert_array_equal(kept, images)
    for batch in made:
        assert float(batch.mask.sum()) == batch.size
        assert float(batch.images[0, 0]) == batch.start


def test_functions_are_evaluated_batch_by_batch_and_padding_is_left_out():
    images = np.arange(7, dtype=np.float32).reshape(7, 1)

    def function(params, x):
        return {"sum": x + params, "flat": x[:, 0] * params}

    made = evaluate(function, 2.0, images, batch_size=3)
    np.testing.assert_array_equal(made["sum"], images + 2)
    np.testing.assert_array_equal(made["flat"], 2 * images[:, 0])
    assert [len(y["flat"]) for _, y in outputs_by_batch(function, 2.0, images, 3)] == [3, 3, 3]


def test_a_function_that_cannot_be_hashed_serves_too():
    class Model(dict):
        def __call__(self, params, x):
            return jnp.sin(x) * params

    made = evaluate(Model(), 2.0, np.ones((3, 1), np.float32), 2)
    np.testing.assert_allclose(made, 2 * np.sin(np.ones((3, 1))), rtol=1e-6)
