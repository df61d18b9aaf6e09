"""JAX: each epoch is one jitted call, a `lax.scan` over its steps, with Adam written out.

XLA flushes denormals by itself.
"""

import common

common.pin()

import jax  # noqa: E402 (XLA counts the processors when it starts)
import jax.numpy as jnp  # noqa: E402

PEER = "JAX"
RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7
batch = common.args.batch

key, *layer_keys = jax.random.split(jax.random.key(common.args.seed), len(common.layer_sizes) + 1)
params = [
    (jax.random.normal(layer_key, (inputs, outputs)) * jnp.sqrt(2 / inputs), jnp.zeros(outputs))
    for layer_key, (inputs, outputs) in zip(layer_keys, common.layer_sizes)
]


@jax.jit
def forward(params, x):
    for weight, bias in params[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = params[-1]
    return x @ weight + bias


def predict(images):
    return forward(params, images).block_until_ready()


if common.args.task == "infer":
    common.infer(PEER, jax.__version__, predict, convert=jnp.asarray)
    raise SystemExit

images, labels = map(jnp.asarray, common.load("train"))


def mean_loss(params, x, y):
    log_probabilities = jax.nn.log_softmax(forward(params, x))
    return -jnp.take_along_axis(log_probabilities, y[:, None], axis=1).mean()


def step(state, rows):
    params, first, second, time = state
    gradient = jax.grad(mean_loss)(params, images[rows], labels[rows])
    time = time + 1
    first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradient)
    second = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradient)
    first_scale, second_scale = 1 / (1 - BETA_1**time), 1 / (1 - BETA_2**time)
    params = jax.tree.map(
        lambda p, m, v: p - RATE * m * first_scale / (jnp.sqrt(v * second_scale) + EPSILON),
        params,
        first,
        second,
    )
    return (params, first, second, time), None


@jax.jit(donate_argnums=0)
def whole_epoch(state, key):
    order = jax.random.permutation(key, len(labels))
    full = len(order) // batch * batch
    state, _ = jax.lax.scan(step, state, order[:full].reshape(-1, batch))
    return step(state, order[full:])[0] if full < len(order) else state


zeros = jax.tree.map(jnp.zeros_like, params)
state = (params, zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0))


def epoch():
    global key, params, state
    key, order_key = jax.random.split(key)
    state = jax.block_until_ready(whole_epoch(state, order_key))
    params = state[0]


common.train(PEER, jax.__version__, epoch, predict)
