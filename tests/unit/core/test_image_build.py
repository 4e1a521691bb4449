"""The words of an image's build, and what the engine says of the image."""

import pytest

from lockgate.core.config import BuilderKind
from lockgate.core.image_build import cache_words, layers, platform_words, told_digest, weigh

NAME = "registry.example/shop"


@pytest.mark.parametrize(
    ("kind", "exports", "words"),
    [
        (BuilderKind.DOCKER, True, ("--cache-from type=registry,ref=registry.example/shop:lockgate-cache --cache-to "
         "type=registry,ref=registry.example/shop:lockgate-cache,mode=max,ignore-error=true")),
        (BuilderKind.DOCKER, False, "--cache-from registry.example/shop:lockgate-cache"),
        (BuilderKind.PODMAN, False, ("--layers --cache-from registry.example/shop/lockgate-cache --cache-to "
         "registry.example/shop/lockgate-cache")),
    ],
)  # fmt: skip
def test_where_layers_are_kept_depends_on_what_can_keep_them(kind, exports, words):
    """Beside the image, under a tag that is never deployed; and nowhere, where no name is given."""
    assert " ".join(cache_words(kind, NAME, exports=exports)) == words
    assert cache_words(kind, "", exports=exports) == []


def test_several_platforms_are_one_push():
    """A list of images is kept in a registry only."""
    words = platform_words(("linux/amd64", "linux/arm64/v8"), NAME, "abc", "/tmp/m.json")  # noqa: S108 - a word here
    assert words[:3] == ["--platform", "linux/amd64,linux/arm64/v8", "--push"]


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"{", b"[" * 100_000])
def test_what_does_not_say_the_digest_says_nothing(text):
    """The empty text is no digest, and is refused where one is needed."""
    assert told_digest(text) == ""
    assert told_digest(b'{"containerimage.digest": "sha256:x"}') == "sha256:x"


def test_layers_come_largest_first_with_what_made_them():
    """Empty ones are none; an imported one says nothing of itself; what cannot be read is passed over."""
    text = "0\tCMD x\n5\tRUN  a\n b\n70\tCOPY . /\n1\t\nx\ty\n\u00b2\tz\n"
    assert layers(text) == [("COPY . /", 70), ("RUN a", 5), ("the base image", 1)]
    assert layers("9\t" + "x" * 500)[0][0].startswith("x" * 80)


def test_an_image_weighs_what_it_takes_unpacked():
    """Docker with the containerd image store gives as the size what is compressed; the layers are weighed then."""
    history = "8192\tCOPY hello /hello\n0\tUSER 10001\n5005312\tCOPY big /big\n"
    assert weigh("6529", history).size == 5013504
    assert weigh("5100000", history).size == 5100000
    assert weigh("6529", history).layers == 2
    with pytest.raises(ValueError, match="invalid literal"):
        weigh("<none>", history)
