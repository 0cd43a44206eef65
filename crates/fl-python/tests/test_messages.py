"""What comes in goes out, and what cannot be meant is refused with numbers and names."""

import collections

import numpy as np
import pytest
import robust_fl as rf
from hypothesis import given, settings
from hypothesis import strategies as st
from robust_fl import errors


def test_a_packed_matrix_is_read_where_it_lies(messages):
    for dtype in (np.float32, np.float64):
        x = messages.astype(dtype)
        x.flags.writeable = False
        out, report = rf.aggregate(x, "mean", full=True)
        assert report.copied is None and out.dtype == dtype and out.shape == (50,)
        np.testing.assert_allclose(out, x.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("order", ["F", "T", "stride", "reverse", "misaligned"])
def test_other_layouts_are_copied_and_told(messages, order):
    want = rf.aggregate(messages, "geometric-median", 6)
    if order == "F":
        x = np.asfortranarray(messages)
    elif order == "T":
        x = messages.T.copy().T
    elif order == "stride":
        x = np.repeat(messages, 2, axis=1)[:, ::2]
    elif order == "reverse":
        x = messages[::-1].copy()[::-1]
    else:
        raw = np.zeros(messages.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(messages.shape)
        raw[:] = messages
        x = raw
    out, report = rf.aggregate(x, "geometric-median", 6, full=True)
    assert report.copied and (out == want).all()
    with pytest.raises(errors.CopyError, match="copy=None"):
        rf.aggregate(x, "mean", copy=False)


@pytest.mark.parametrize("dtype, out", [
    (np.float16, np.float16), (np.int32, np.float64), (np.uint8, np.float64), (bool, np.float64), (np.int64, np.float64),
])
def test_other_numbers_are_converted(dtype, out):
    x = np.array([[0, 1], [1, 1], [1, 0]], dtype)
    assert rf.aggregate(x, "coordinate-median").dtype == out
    assert rf.aggregate(x, "coordinate-median").tolist() == [1, 1]


@pytest.mark.parametrize("x, error, words", [
    (np.zeros((3, 2), complex), errors.DtypeError, "complex128"),
    (np.zeros((3, 2), object), errors.DtypeError, "object"),
    (np.array([["a", "b"]]), errors.DtypeError, "<U1"),
    (np.zeros((3, 2), ">f4"), errors.ByteOrderError, "byte order"),
    (np.zeros((3, 2), np.longdouble), errors.DtypeError, "rounds"),
    (np.zeros(3), errors.ShapeError, r"x\[None\]"),
    (np.float64(3), errors.ShapeError, r"\(\)"),
    (np.zeros((0, 3)), errors.ShapeError, r"\(0, 3\)"),
    (np.zeros((3, 0)), errors.ShapeError, r"\(3, 0\)"),
    (np.ma.masked_array(np.zeros((2, 2))), errors.DtypeError, "masked"),
    ([], errors.ShapeError, "empty"),
    ([1.0, 2.0], errors.ShapeError, "one message"),
    ("text", errors.DtypeError, "str"),
    ({"a": np.zeros(3)}, errors.DtypeError, "dict"),
    ([np.zeros(3), np.zeros(4)], errors.RaggedError, r"message\[1\] has shape \(4,\), expected \(3,\)"),
    ([[1.0, 2.0], [1.0]], errors.RaggedError, r"message\[1\]"),
    ([{"a": np.zeros(3)}, {"b": np.zeros(3)}], errors.StructureError, r"lacks \['a'\] and has \['b'\]"),
    ([{"a": np.zeros(3)}, {"a": np.zeros((3, 1))}], errors.RaggedError, r"\['a'\] has shape \(3, 1\)"),
    ([{"n": np.int64(1)}, {"n": np.int64(1)}], errors.ShapeError, "no floats"),
])
def test_what_is_no_matrix_is_refused(x, error, words):
    with pytest.raises(error, match=words) as caught:
        rf.aggregate(x, "mean")
    assert isinstance(caught.value, (ValueError, TypeError))


def test_structure_is_kept():
    def model(value, count):
        return collections.OrderedDict(
            weight=np.full((2, 3), value, np.float32), bias=np.full(2, value, np.float16),
            num_batches_tracked=np.int64(count),
        )

    out = rf.aggregate([model(1, 7), model(2, 8), model(90, 9)], "coordinate-median")
    assert type(out) is collections.OrderedDict and list(out) == ["weight", "bias", "num_batches_tracked"]
    assert out["weight"].shape == (2, 3) and out["weight"].dtype == np.float32 and (out["weight"] == 2).all()
    assert out["bias"].dtype == np.float16 and out["num_batches_tracked"] == 7
    pair = rf.aggregate([(np.zeros(2), [np.ones(1)]), (np.zeros(2), [np.ones(1)])], "mean")
    assert isinstance(pair, tuple) and isinstance(pair[1], list) and pair[0].shape == (2,)
    # Names may come in another order.
    other = dict(reversed(list(model(2, 8).items())))
    assert rf.aggregate([model(1, 7), other, other], "coordinate-median")["weight"][0, 0] == 2
    assert rf.aggregate(np.zeros((3, 2, 4)), "mean").shape == (2, 4)
    assert rf.aggregate([[1.0, 2.0], [3.0, 4.0]], "mean") == [2.0, 3.0]


RULES = [
    "mean", "geometric-median", "krum", "coordinate-median", "trimmed-mean", "dnc", "aksel", "centered-clipping", "bulyan", "caf",
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
def test_lists_are_read_where_they_lie_with_the_same_bits(rule, dtype):
    """Pieces end within tiles of columns and at their ends; one is empty, one a single number."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(13, 9000)).astype(dtype)
    x[11:] += 50
    cuts = [1, 1, 2048, 2050, 8999]
    states = [{f"t{i}": piece.copy() for i, piece in enumerate(np.split(row, cuts))} for row in x]
    matrix, pieces = (rf.Aggregator(rule, 2, pre=["nnm"], seed=3) for _ in range(2))
    # A rule with memory meets its last output again.
    for _ in range(3):
        want, told = matrix.full(x)
        got, report = pieces.full(states)
        assert np.concatenate(list(got.values())).tobytes() == want.tobytes()
        assert report.copied is None and report.dropped == told.dropped and report.certificate == told.certificate
        assert (report.weights is None) == (told.weights is None)
        assert told.weights is None or report.weights.tobytes() == told.weights.tobytes()
    assert rf.aggregate(states, rule, 2, copy=False)["t0"].shape == (1,)
    some = pieces.full(states, present=range(12))[0]
    assert np.concatenate(list(some.values())).tobytes() == matrix.full(x, present=range(12))[0].tobytes()


def test_a_list_that_is_copied_says_why():
    states = [{"a": np.ones((3, 2)), "b": np.ones((2, 2))[:, ::-1]} for _ in range(3)]
    _, report = rf.aggregate(states, "mean", full=True)
    assert "message[0]['b']: its memory is not packed" in report.copied
    with pytest.raises(errors.CopyError, match=r"message\[0\]\['b'\] would be copied"):
        rf.aggregate(states, "mean", copy=False)
    _, report = rf.aggregate([[np.ones(3, np.float16)], [np.ones(3, np.float16)]], "mean", full=True)
    assert "float16, read as float32" in report.copied
    not_finite = [{"a": np.full(3, v)} for v in (1.0, np.nan, 2.0, 3.0)]
    out, report = rf.aggregate(not_finite, "coordinate-median", 1, full=True)
    assert report.dropped == [1] and out["a"].tolist() == [2.0] * 3


def test_whole_numbers_in_one_message_decide_nothing():
    honest = [{"w": np.full(3, 1.0), "b": np.zeros(2), "n": np.int64(5)} for _ in range(4)]
    first = {"w": np.full(3, 10**6), "b": np.zeros(2), "n": np.int64(5)}
    with pytest.raises(errors.DtypeError, match=r"message\[1\]\['w'\] has dtype float64, and int64 in message 0"):
        rf.aggregate([first, *honest], "coordinate-median", 1)
    # In another place they are numbers as others, which the rule outvotes.
    assert rf.aggregate([*honest, first], "coordinate-median", 1)["w"].tolist() == [1.0] * 3


def test_a_table_of_pandas():
    pandas = pytest.importorskip("pandas")
    x = np.arange(12.0).reshape(4, 3)
    out = rf.aggregate(pandas.DataFrame(x, columns=["a", "b", "c"]), "mean")
    assert type(out) is np.ndarray and (out == x.mean(axis=0)).all()


def test_not_finite():
    x = np.array([[1.0, 1], [1, 2], [1, 3], [np.nan, 1]])
    out, report = rf.aggregate(x, "krum", 1, full=True)
    assert report.dropped == [3] and np.isfinite(out).all()
    with pytest.raises(errors.NonFiniteError, match="worker 3"):
        rf.aggregate(x, "krum", 1, non_finite="refuse")
    x[1:] = np.inf
    with pytest.raises(errors.NonFiniteError, match="1 of 4"):
        rf.aggregate(x, "krum", 1)


dtypes = st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.int64, np.uint16, bool, complex, object, "U2", ">f8"])


@settings(deadline=None, max_examples=150)
@given(
    dtype=dtypes, shape=st.lists(st.integers(0, 5), min_size=0, max_size=4), order=st.sampled_from("CF"),
    steps=st.lists(st.sampled_from([1, 2, -1]), min_size=4, max_size=4), writable=st.booleans(),
    rule=st.sampled_from(["mean", "coordinate-median", "geometric-median", "centered-clipping"]),
)
def test_whatever_array_comes_the_answer_is_right_or_an_error(dtype, shape, order, steps, writable, rule):
    rng = np.random.default_rng(len(shape))
    full = rng.integers(0, 2, [2 * n for n in shape]).astype(dtype)
    x = np.array(full, order=order)[(*(slice(None, None, step) for step, _ in zip(steps, shape)), ...)]
    x.flags.writeable = writable
    before = x.copy()
    try:
        out = rf.aggregate(x, rule)
    except errors.RobustError:
        assert x.ndim < 2 or x.size == 0 or x.dtype.kind in "cOU" or not x.dtype.isnative
        return
    assert (x == before).all()
    plain = np.ascontiguousarray(x, np.float32 if dtype == np.float16 else np.float64 if x.dtype.kind != "f" else dtype)
    want = rf.aggregate(plain, rule)
    assert out.shape == x.shape[1:] and (out == want.astype(out.dtype)).all()
    if rule == "mean":
        np.testing.assert_allclose(out, plain.mean(axis=0), rtol=1e-2 if dtype == np.float16 else 1e-5, atol=1e-6)
