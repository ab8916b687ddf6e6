"""Keys and shapes of the authors' weight files, written by the rules that describe them.

Run as a program it writes ``manifests/*.json``. The rules name layers as the authors' files do
and know nothing of our classes; their totals stand against counts measured on the authors' own
classes (``COUNTS``: file -> saved tensors, trained numbers among them).
"""

import json
import math
from pathlib import Path

MANIFESTS = Path(__file__).parent / "manifests"


def layer(name, *shape, bias=True):
    """A layer's weight, and its bias as long as the weight's first axis."""
    yield f"{name}.weight", shape
    if bias:
        yield f"{name}.bias", shape[:1]


# NAFNet -----------------------------------------------------------------------------------------


def naf_block(name, c):
    yield from ((f"{name}.{scale}", (1, c, 1, 1)) for scale in ("beta", "gamma"))
    yield from layer(f"{name}.conv1", 2 * c, c, 1, 1)
    yield from layer(f"{name}.conv2", 2 * c, 1, 3, 3)
    yield from layer(f"{name}.conv3", c, c, 1, 1)
    yield from layer(f"{name}.sca.1", c, c, 1, 1)
    yield from layer(f"{name}.conv4", 2 * c, c, 1, 1)
    yield from layer(f"{name}.conv5", c, c, 1, 1)
    yield from layer(f"{name}.norm1", c)
    yield from layer(f"{name}.norm2", c)


def nafnet(width, encoder, middle, decoder):
    yield from layer("intro", width, 3, 3, 3)
    yield from layer("ending", 3, width, 3, 3)
    for level, count in enumerate(encoder):
        c = width * 2**level
        for i in range(count):
            yield from naf_block(f"encoders.{level}.{i}", c)
        yield from layer(f"downs.{level}", 2 * c, c, 2, 2)
    for i in range(middle):
        yield from naf_block(f"middle_blks.{i}", width * 2 ** len(encoder))
    for step, count in enumerate(decoder):  # decoders.0 is the deepest
        c = width * 2 ** (len(encoder) - 1 - step)
        yield from layer(f"ups.{step}.0", 4 * c, 2 * c, 1, 1, bias=False)
        for i in range(count):
            yield from naf_block(f"decoders.{step}.{i}", c)


# Restormer and PromptIR -------------------------------------------------------------------------


def transformer(name, c, heads, norm_bias=True):
    m = int(2.66 * c)
    yield f"{name}.attn.temperature", (heads, 1, 1)
    for norm in ("norm1", "norm2"):
        yield from layer(f"{name}.{norm}.body", c, bias=norm_bias)
    for part, shape in {
        "attn.qkv": (3 * c, c, 1, 1),
        "attn.qkv_dwconv": (3 * c, 1, 3, 3),
        "attn.project_out": (c, c, 1, 1),
        "ffn.project_in": (2 * m, c, 1, 1),
        "ffn.dwconv": (2 * m, 1, 3, 3),
        "ffn.project_out": (c, m, 1, 1),
    }.items():
        yield from layer(f"{name}.{part}", *shape, bias=False)


def restormer_stages(norm_bias=True):
    stages = {
        "encoder_level1": (4, 48, 1),
        "encoder_level2": (6, 96, 2),
        "encoder_level3": (6, 192, 4),
        "latent": (8, 384, 8),
        "decoder_level3": (6, 192, 4),
        "decoder_level2": (6, 96, 2),
        "decoder_level1": (4, 96, 1),
        "refinement": (4, 96, 1),
    }
    for stage, (count, c, heads) in stages.items():
        for i in range(count):
            yield from transformer(f"{stage}.{i}", c, heads, norm_bias)


def plain(shapes):
    for name, shape in shapes.items():
        yield from layer(name, *shape, bias=False)


def restormer(inputs=3, outputs=3, norm_bias=True, dual_pixel=False):
    yield from restormer_stages(norm_bias)
    yield from plain(
        {
            "patch_embed.proj": (48, inputs, 3, 3),
            "down1_2.body.0": (24, 48, 3, 3),
            "down2_3.body.0": (48, 96, 3, 3),
            "down3_4.body.0": (96, 192, 3, 3),
            "up4_3.body.0": (768, 384, 3, 3),
            "up3_2.body.0": (384, 192, 3, 3),
            "up2_1.body.0": (192, 96, 3, 3),
            "reduce_chan_level3": (192, 384, 1, 1),
            "reduce_chan_level2": (96, 192, 1, 1),
            "output": (outputs, 96, 3, 3),
        }
    )
    if dual_pixel:
        yield from plain({"skip_conv": (96, 48, 1, 1)})


def promptir():
    yield from restormer_stages()
    prompts = {3: (384, 320, 16, 192), 2: (192, 128, 32, 192), 1: (96, 64, 64, 96)}
    for level, (c, prompt, side, after) in prompts.items():
        yield f"prompt{level}.prompt_param", (1, 5, prompt, side, side)
        yield from layer(f"prompt{level}.linear_layer", 5, c)
        yield from layer(f"prompt{level}.conv3x3", prompt, prompt, 3, 3, bias=False)
        yield from transformer(f"noise_level{level}", c + prompt, 4)
        yield from plain({f"reduce_noise_level{level}": (after, c + prompt, 1, 1)})
    yield from plain(
        {
            "patch_embed.proj": (48, 3, 3, 3),
            "down1_2.body.0": (24, 48, 3, 3),
            "down2_3.body.0": (48, 96, 3, 3),
            "down3_4.body.0": (96, 192, 3, 3),
            "up4_3.body.0": (384, 192, 3, 3),
            "up3_2.body.0": (384, 192, 3, 3),
            "up2_1.body.0": (192, 96, 3, 3),
            "reduce_chan_level3": (192, 288, 1, 1),
            "reduce_chan_level2": (96, 192, 1, 1),
            "output": (3, 96, 3, 3),
            # saved, and never used by the authors' forward pass
            "chnl_reduce1": (64, 64, 1, 1),
            "chnl_reduce2": (128, 128, 1, 1),
            "chnl_reduce3": (256, 320, 1, 1),
            "reduce_noise_channel_1": (48, 112, 1, 1),
            "reduce_noise_channel_2": (96, 224, 1, 1),
            "reduce_noise_channel_3": (192, 448, 1, 1),
        }
    )


# SwinIR -----------------------------------------------------------------------------------------


def swin_layer(name, c, heads, window, windows):
    yield from layer(f"{name}.norm1", c)
    yield f"{name}.attn.relative_position_bias_table", ((2 * window - 1) ** 2, heads)
    yield f"{name}.attn.relative_position_index", (window**2, window**2)
    yield from layer(f"{name}.attn.qkv", 3 * c, c)
    yield from layer(f"{name}.attn.proj", c, c)
    yield from layer(f"{name}.norm2", c)
    yield from layer(f"{name}.mlp.fc1", 2 * c, c)
    yield from layer(f"{name}.mlp.fc2", c, 2 * c)
    if int(name.rpartition(".")[2]) % 2:
        yield f"{name}.attn_mask", (windows, window**2, window**2)


def swinir_group_conv(name, c, large):
    if not large:
        yield from layer(name, c, c, 3, 3)
        return
    yield from layer(f"{name}.0", c // 4, c, 3, 3)
    yield from layer(f"{name}.2", c // 4, c // 4, 1, 1)
    yield from layer(f"{name}.4", c, c // 4, 3, 3)


def swinir(c, groups, heads, head, img_size, window=8, large=False, channels=3):
    yield from layer("conv_first", c, channels, 3, 3)
    yield from layer("patch_embed.norm", c)
    for r in range(groups):
        for b in range(6):
            name = f"layers.{r}.residual_group.blocks.{b}"
            yield from swin_layer(name, c, heads, window, (img_size // window) ** 2)
        yield from swinir_group_conv(f"layers.{r}.conv", c, large)
    yield from layer("norm", c)
    yield from swinir_group_conv("conv_after_body", c, large)
    for name, shape in head.items():
        yield from layer(name, *shape)


def classical(*steps):
    shuffles = {f"upsample.{2 * i}": (64 * s * s, 64, 3, 3) for i, s in enumerate(steps)}
    return {"conv_before_upsample.0": (64, 180, 3, 3), **shuffles, "conv_last": (3, 64, 3, 3)}


def light(scale):
    return {"upsample.0": (3 * scale**2, 60, 3, 3)}


def real(c):
    inner = dict.fromkeys(("conv_up1", "conv_up2", "conv_hr"), (64, 64, 3, 3))
    return {"conv_before_upsample.0": (64, c, 3, 3), **inner, "conv_last": (3, 64, 3, 3)}


# RRDB -------------------------------------------------------------------------------------------

BASICSR = {
    "conv_first": "conv_first",
    "dense": "body.{}.rdb{}.conv{}",
    "trunk": "conv_body",
    "ups": ("conv_up1", "conv_up2"),
    "hr": "conv_hr",
    "last": "conv_last",
}
ESRGAN = {
    "conv_first": "conv_first",
    "dense": "RRDB_trunk.{}.RDB{}.conv{}",
    "trunk": "trunk_conv",
    "ups": ("upconv1", "upconv2"),
    "hr": "HRconv",
    "last": "conv_last",
}
NUMBERED = {
    "conv_first": "model.0",
    "dense": "model.1.sub.{}.RDB{}.conv{}.0",
    "trunk": "model.1.sub.23",
    "ups": ("model.3", "model.6"),
    "hr": "model.8",
    "last": "model.10",
}


def rrdb(names, inputs=3, blocks=23, ups=2):
    yield from layer(names["conv_first"], 64, inputs, 3, 3)
    for i in range(blocks):
        for j in (1, 2, 3):
            for k in (1, 2, 3, 4, 5):
                outputs = 64 if k == 5 else 32
                yield from layer(names["dense"].format(i, j, k), outputs, 32 + 32 * k, 3, 3)
    for name in (names["trunk"], *names["ups"][:ups], names["hr"]):
        yield from layer(name, 64, 64, 3, 3)
    yield from layer(names["last"], 3, 64, 3, 3)


ROWS = {
    "nafnet-gopro-width32": nafnet(32, (1, 1, 1, 28), 1, (1, 1, 1, 1)),
    "nafnet-sidd-width64": nafnet(64, (2, 2, 4, 8), 12, (2, 2, 2, 2)),
    "restormer-motion-deblurring": restormer(),
    "restormer-colour-denoising": restormer(norm_bias=False),
    "restormer-grey-denoising": restormer(1, 1, norm_bias=False),
    "restormer-dual-pixel": restormer(inputs=6, dual_pixel=True),
    "promptir": promptir(),
    "swinir-classical-x3-s48": swinir(180, 6, 6, classical(3), 48),
    "swinir-classical-x4-s64": swinir(180, 6, 6, classical(2, 2), 64),
    "swinir-light-x2": swinir(60, 4, 6, light(2), 64),
    "swinir-real-x4-large": swinir(240, 9, 8, real(240), 64, large=True),
    "swinir-colour-denoising": swinir(180, 6, 6, {"conv_last": (3, 180, 3, 3)}, 128),
    "swinir-jpeg-grey": swinir(180, 6, 6, {"conv_last": (1, 180, 3, 3)}, 126, window=7, channels=1),
    "rrdb-x4-basicsr": rrdb(BASICSR),
    "rrdb-x2-basicsr": rrdb(BASICSR, inputs=12),
    "rrdb-x4-esrgan": rrdb(ESRGAN),
    "rrdb-x4-numbered": rrdb(NUMBERED),
    "rrdb-x2-sfd": rrdb(ESRGAN, ups=1),
}

FILES = {name: dict(rows) for name, rows in ROWS.items()}

COUNTS = {
    "nafnet-gopro-width32": (664, 17_111_907),
    "nafnet-sidd-width64": (664, 115_982_915),
    "restormer-motion-deblurring": (494, 26_126_644),
    "restormer-colour-denoising": (406, 26_111_668),
    "restormer-grey-denoising": (406, 26_109_076),
    "restormer-dual-pixel": (495, 26_132_548),
    "promptir": (548, 35_592_263),
    "swinir-classical-x3-s48": (548, 11_937_127),
    "swinir-classical-x4-s64": (550, 11_900_199),
    "swinir-light-x2": (366, 910_152),
    "swinir-real-x4-large": (859, 28_013_059),
    "swinir-colour-denoising": (544, 11_504_163),
    "swinir-jpeg-grey": (544, 11_485_585),
    "rrdb-x4-basicsr": (702, 16_697_987),
    "rrdb-x2-basicsr": (702, 16_703_171),
    "rrdb-x4-esrgan": (702, 16_697_987),
    "rrdb-x4-numbered": (702, 16_697_987),
    "rrdb-x2-sfd": (700, 16_661_059),
}

BUFFERS = (".relative_position_index", ".attn_mask")


def manifest(name):
    """Key -> shape of a committed manifest."""
    content = json.loads((MANIFESTS / f"{name}.json").read_text(encoding="utf-8"))
    return {key: tuple(shape) for key, shape in content.items()}


def trained(shapes):
    """How many numbers training changes: buffers left out."""
    return sum(math.prod(s) for key, s in shapes.items() if not key.endswith(BUFFERS))


def write():
    MANIFESTS.mkdir(exist_ok=True)
    for name, rows in FILES.items():
        lines = [f"{json.dumps(key)}: {json.dumps(shape)}" for key, shape in rows.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        (MANIFESTS / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
