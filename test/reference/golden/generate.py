"""Writes the golden values next to this file: results of PyTorch in float64.

    python test/reference/golden/generate.py

The network is written from its description, not taken from the official code; its
outputs are compared with those of the official code in official-plain.json. Every
stored value is computed a second way, and the two must agree much more closely than
the tests that read these files require. README.md describes the files.
"""

import hashlib
import json
import math
import platform
import zlib
from pathlib import Path

import mpmath
import numpy as np
import safetensors
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # the order of sums does not depend on the number of cores

HERE = Path(__file__).resolve().parent
OFFICIAL = HERE / 'official-plain.json'
BN_EPS, BN_MOMENTUM = 1e-6, 0.1


def to_numpy(value):
    value = value.detach().numpy() if torch.is_tensor(value) else np.asarray(value)
    return np.array(value, dtype=np.float64, order='C')


def save(path, cases):
    """cases: pairs of JSON parameters and named tensors."""
    tensors = {f'{i}.{name}': to_numpy(t) for i, (_, named) in enumerate(cases) for name, t in named.items()}
    for name, t in tensors.items():
        assert np.isfinite(t).all(), f'{path}: {name} is not finite'
    path.parent.mkdir(exist_ok=True)
    save_file(tensors, path, metadata={'cases': json.dumps([params for params, _ in cases])})


# ---------------------------------------------------------------- random bits


def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011) over arrays [m, 4] and [m, 2] of 32-bit words."""
    low = np.uint64(0xFFFFFFFF)
    c0, c1, c2, c3 = np.asarray(counter, dtype=np.uint64).T
    k0, k1 = np.asarray(key, dtype=np.uint64).T
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        shift = np.uint64(32)
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ k0, p1 & low, (p0 >> shift) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & low, (k1 + np.uint64(0xBB67AE85)) & low
    return np.stack([c0, c1, c2, c3], axis=1)


# Random123's known answers: counter, key, output.
KNOWN_PHILOX = [
    ('00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'),
    ('ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'),
    ('243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'),
]


def uniform(seed, stream, index):
    """A number in [0, 1) from 53 random bits, as a function of its position alone."""
    seed, stream, index = np.broadcast_arrays(*(np.asarray(v, dtype=np.uint64) for v in (seed, stream, index)))
    zero = np.zeros_like(index)
    words = philox(np.stack([index, stream, zero, zero], axis=1), np.stack([seed, zero], axis=1))
    high, low = words[:, 0] >> np.uint64(5), words[:, 1] >> np.uint64(6)
    return (high.astype(np.float64) * 2**26 + low.astype(np.float64)) / 2**53


def philox_cases():
    words = [[[int(w, 16) for w in part.split()] for part in known] for known in KNOWN_PHILOX]
    counter, key, out = (np.array(part, dtype=np.uint64) for part in zip(*words))
    assert (philox(counter, key) == out).all(), 'philox does not give the known answers'
    rng = np.random.default_rng(1)
    counter = np.concatenate([counter, rng.integers(0, 2**32, (13, 4), dtype=np.uint64)])
    key = np.concatenate([key, rng.integers(0, 2**32, (13, 2), dtype=np.uint64)])
    yield {'function': 'philox'}, {'counter': counter, 'key': key, 'out': philox(counter, key)}

    top = 2**32 - 1
    seed = np.array([0, 0, 0, 42, 42, 1, top, *rng.integers(0, 2**32, 9)])
    stream = np.array([0, 0, 1, 7, 1000, top, top, *rng.integers(0, 2**32, 9)])
    index = np.array([0, 1, 0, 123456, 5, 3, top, *rng.integers(0, 2**32, 9)])
    yield {'function': 'uniform'}, {'seed': seed, 'stream': stream, 'index': index, 'u': uniform(seed, stream, index)}


# ------------------------------------------------------------------------ ops


def differentiated(params, f, wrt, **inputs):
    """One case: the inputs, y = f(inputs), and the gradient of sum(y * dy), or of y if y is a scalar."""
    leaves = {k: v.detach().clone().requires_grad_(k in wrt.split()) for k, v in inputs.items()}
    y = f(**leaves)
    stored = {**inputs, 'y': y}
    if y.dim() == 0:
        y.backward()
    else:
        stored['dy'] = torch.randn_like(y)
        y.backward(stored['dy'])
    return params, stored | {f'd{k}': v.grad for k, v in leaves.items() if v.requires_grad}


def without_none(**named):
    return {k: v for k, v in named.items() if v is not None}


def conv2d_cases():
    for n, c, out, kh, kw, stride, padding, h, w, bias in [
        (2, 3, 5, 1, 1, 1, 0, 5, 7, True),
        (3, 17, 8, 1, 1, 1, 0, 3, 5, True),
        (2, 3, 8, 4, 4, 4, 0, 13, 18, True),  # the stem; rows and columns are left over
        (1, 3, 5, 4, 4, 3, 1, 11, 13, True),  # the ada stem
        (2, 4, 3, 3, 3, 2, 1, 7, 9, True),
        (1, 1, 4, 5, 2, 1, 1, 7, 6, True),
        (3, 5, 17, 1, 1, 1, 0, 3, 3, False),
    ]:
        yield differentiated(
            {'stride': stride, 'padding': padding},
            lambda x, weight, bias=None: F.conv2d(x, weight, bias, stride, padding),
            'x weight bias',
            **without_none(
                x=torch.randn(n, c, h, w),
                weight=torch.randn(out, c, kh, kw),
                bias=torch.randn(out) if bias else None,
            ),
        )


def depthwise_cases():
    for n, c, pad, kh, kw, stride, h, w, bias in [
        (2, 3, 1, 3, 3, 1, 5, 7, True),
        (1, 17, 2, 5, 5, 1, 7, 6, False),
        (3, 4, 3, 7, 7, 1, 9, 5, True),
        (1, 5, 3, 7, 7, 1, 1, 2, False),  # a map smaller than the kernel's half width
        (2, 1, 4, 9, 9, 1, 7, 11, True),
        (2, 8, 1, 3, 3, 2, 7, 8, True),
        (1, 5, 1, 3, 4, 1, 6, 5, False),
    ]:
        yield differentiated(
            {'stride': stride, 'padding': pad},
            lambda x, weight, bias=None: F.conv2d(x, weight, bias, stride, pad, groups=c),
            'x weight bias',
            **without_none(
                x=torch.randn(n, c, h, w),
                weight=torch.randn(c, 1, kh, kw),
                bias=torch.randn(c) if bias else None,
            ),
        )


def batch_norm_cases():
    for n, c, h, w, training, momentum, eps, kind in [
        (2, 3, 5, 7, True, 0.1, 1e-6, 'unbiased'),
        (3, 8, 1, 1, True, 0.1, 1e-6, 'unbiased'),  # as before the classifier
        (3, 4, 3, 5, True, 0.3, 1e-3, 'unbiased'),
        (2, 5, 3, 3, True, 0.1, 1e-6, 'biased'),
        (1, 1, 7, 5, True, 0.25, 1e-3, 'biased'),
        (2, 17, 3, 3, False, 0.1, 1e-6, 'unbiased'),
        (1, 5, 4, 3, False, 0.3, 1e-3, 'biased'),
    ]:
        x = 2 * torch.randn(n, c, h, w) + torch.randn(c, 1, 1)
        mean, var = torch.randn(c), 0.5 + torch.rand(c)
        new_mean, new_var = mean.clone(), var.clone()
        params, stored = differentiated(
            {'training': training, 'momentum': momentum, 'eps': eps, 'running_var': kind},
            lambda x, weight, bias: F.batch_norm(x, new_mean, new_var, weight, bias, training, momentum, eps),
            'x weight bias',
            x=x,
            weight=torch.randn(c),
            bias=torch.randn(c),
        )
        if training and kind == 'biased':  # Paddle's convention, which PyTorch does not offer
            new_var = (1 - momentum) * var + momentum * x.var((0, 2, 3), unbiased=False)
        stored |= {'running_mean': mean, 'running_var': var, 'new_running_mean': new_mean, 'new_running_var': new_var}
        yield params, stored


def leaky_relu_cases():
    for lam, *shape in [(0.0, 2, 3, 5, 7), (0.25, 1, 17, 3, 3), (1.0, 3, 4, 3, 5), (0.5, 2, 5)]:
        x = torch.randn(shape)
        assert x.abs().min() > 1e-9
        yield differentiated({'lambda': lam}, lambda x: F.leaky_relu(x, lam), 'x', x=x)


def max_pool_cases():
    for kernel, stride, n, c, h, w in [(2, 2, 2, 3, 7, 9), (2, 2, 1, 5, 6, 4), (3, 3, 1, 8, 7, 10), (3, 2, 3, 4, 9, 7)]:
        params = {'kernel_size': kernel, 'stride': stride}
        yield differentiated(params, lambda x: F.max_pool2d(x, kernel, stride), 'x', x=torch.randn(n, c, h, w))
    for kernel, stride in [(2, 2), (3, 2)]:  # ties: the first in scan order gets the gradient
        x = torch.randint(-1, 2, (2, 5, 7, 9)).double()
        params = {'kernel_size': kernel, 'stride': stride}
        yield differentiated(params, lambda x: F.max_pool2d(x, kernel, stride), 'x', x=x)


def adaptive_max_pool_cases():
    for size, n, c, h, w in [
        ((4, 3), 2, 3, 7, 9),
        ((3, 3), 1, 8, 10, 11),
        ((5, 7), 1, 4, 5, 7),  # the identity
        ((5, 6), 3, 1, 3, 4),  # windows that repeat
        ((1, 1), 2, 5, 3, 5),
    ]:
        x = torch.randn(n, c, h, w)
        yield differentiated({'output_size': list(size)}, lambda x: F.adaptive_max_pool2d(x, size), 'x', x=x)
    ties = torch.randint(-1, 2, (2, 5, 7, 9)).double()
    yield differentiated({'output_size': [4, 5]}, lambda x: F.adaptive_max_pool2d(x, (4, 5)), 'x', x=ties)


def global_avg_pool_cases():
    for shape in [(2, 3, 5, 7), (1, 17, 3, 3), (3, 4, 1, 1), (3, 8, 7, 2)]:
        yield differentiated({}, lambda x: F.adaptive_avg_pool2d(x, 1), 'x', x=torch.randn(shape))


def dropout_cases():
    for rate, *shape in [(0.5, 2, 5, 3, 3), (0.05, 3, 17, 1, 1), (0.3, 2, 8), (0.0, 2, 3, 1, 1)]:
        params, stored = differentiated({'rate': rate}, lambda x: F.dropout(x, rate), 'x', x=torch.randn(shape))
        yield params, stored | {'mask': stored['y'] != 0}


def drop_path_cases():
    for rate, *shape in [(0.5, 3, 5, 3, 3), (0.2, 3, 4, 1, 3), (0.5, 3, 8), (0.0, 2, 3, 1, 1)]:
        mask = torch.bernoulli(torch.full(shape[:1], 1 - rate))
        if rate:
            mask[:2] = torch.tensor([1.0, 0.0])  # both outcomes in every case
        kept = mask.view(-1, *[1] * (len(shape) - 1)) / (1 - rate)
        params, stored = differentiated({'rate': rate}, lambda x: x * kept, 'x', x=torch.randn(shape))
        yield params, stored | {'mask': mask}


def softmax_inputs():
    for scale, n, c in [(1, 2, 5), (3, 3, 17), (1e3, 3, 8), (1, 2, 1)]:
        yield scale * torch.randn(n, c)
    yield torch.tensor([[1000.0, 999.0, 998.5], [-1000.0, -1000.25, -1001.0]])


def softmax_cases():
    for x in softmax_inputs():
        yield differentiated({}, lambda x: F.softmax(x, -1), 'x', x=x)


def log_softmax_cases():
    for x in softmax_inputs():
        yield differentiated({}, lambda x: F.log_softmax(x, -1), 'x', x=x)


def smoothed_cross_entropy(logits, targets, smoothing):
    """(1 - s) * nll + s * mean(-log p), averaged over the batch: by its definition."""
    logp = F.log_softmax(logits, -1)
    nll = -logp.gather(1, targets[:, None])[:, 0]
    return ((1 - smoothing) * nll - smoothing * logp.mean(-1)).mean()


def cross_entropy_cases():
    for smoothing, scale, n, c in [(0.0, 1, 2, 5), (0.1, 1, 3, 17), (0.1, 1e3, 3, 4), (0.0, 1e3, 2, 8), (0.3, 3, 1, 3)]:
        x, target = scale * torch.randn(n, c), torch.randint(0, c, (n,))
        params, stored = differentiated(
            {'smoothing': smoothing}, lambda x: smoothed_cross_entropy(x, target, smoothing), 'x', x=x
        )
        theirs = F.cross_entropy(x, target, label_smoothing=smoothing)
        torch.testing.assert_close(stored['y'].detach(), theirs, rtol=1e-14, atol=0)
        yield params, stored | {'target': target}


def bce_cases():
    for x, target in [
        (torch.randn(2, 5), torch.rand(2, 5)),
        (3 * torch.randn(3, 17), torch.randint(0, 2, (3, 17)).double()),
        (torch.tensor([[50.0, -50.0, 50.0, -50.0]]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])),
        (torch.tensor([[50.0, -50.0, 0.5], [-50.0, 50.0, -0.25]]), torch.tensor([[0.9, 0.1, 0.5], [0.0, 1.0, 0.3]])),
    ]:
        yield differentiated(
            {}, lambda x, target: F.binary_cross_entropy_with_logits(x, target), 'x', x=x, target=target
        )


def adam_cases():
    for lr, betas, eps, decay, *shape in [
        (1e-3, (0.9, 0.999), 1e-8, 1e-5, 3, 5),
        (1e-2, (0.9, 0.999), 1e-8, 0.0, 17),
        (3e-3, (0.8, 0.95), 1e-6, 1e-2, 4, 1, 3, 3),
        (1e-3, (0.9, 0.999), 1e-8, 1e-5, 1),
    ]:
        param, grad = torch.randn(shape), torch.randn(5, *shape)
        grad[3] *= 1e-6  # a step in which eps and the decay matter
        p = param.clone().requires_grad_()
        optimizer = torch.optim.Adam([p], lr=lr, betas=betas, eps=eps, weight_decay=decay, foreach=False)
        after = []
        for g in grad:
            p.grad = g.clone()
            optimizer.step()
            after.append(p.detach().clone())
        params = {'lr': lr, 'betas': list(betas), 'eps': eps, 'weight_decay': decay}
        yield params, {'param': param, 'grad': grad, 'params': torch.stack(after)}


def soft_cross_entropy_cases():
    for scale, n, c in [(1, 2, 5), (3, 3, 17), (1e3, 3, 4)]:
        x, target = scale * torch.randn(n, c), torch.softmax(2 * torch.randn(n, c), -1)
        params, stored = differentiated(
            {}, lambda x: -(target * F.log_softmax(x, -1)).sum(-1).mean(), 'x', x=x
        )
        torch.testing.assert_close(stored['y'].detach(), F.cross_entropy(x, target), rtol=1e-14, atol=0)
        yield params, stored | {'target': target}


def adamw_cases():
    for lr, betas, eps, decay, *shape in [
        (1e-3, (0.9, 0.999), 1e-8, 5e-2, 3, 5),
        (3e-3, (0.8, 0.95), 1e-6, 0.3, 4, 1, 3, 3),
    ]:
        param, grad = torch.randn(shape), torch.randn(5, *shape)
        grad[3] *= 1e-6
        p = param.clone().requires_grad_()
        optimizer = torch.optim.AdamW([p], lr=lr, betas=betas, eps=eps, weight_decay=decay, foreach=False)
        after = []
        for g in grad:
            p.grad = g.clone()
            optimizer.step()
            after.append(p.detach().clone())
        params = {'lr': lr, 'betas': list(betas), 'eps': eps, 'weight_decay': decay}
        yield params, {'param': param, 'grad': grad, 'params': torch.stack(after)}


def sgd_cases():
    for lr, momentum, nesterov, decay, *shape in [
        (1e-1, 0.0, False, 0.0, 17),
        (1e-2, 0.9, False, 1e-2, 3, 5),
        (1e-2, 0.9, True, 1e-2, 4, 1, 3, 3),
    ]:
        param, grad = torch.randn(shape), torch.randn(5, *shape)
        p = param.clone().requires_grad_()
        optimizer = torch.optim.SGD([p], lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=decay, foreach=False)
        after = []
        for g in grad:
            p.grad = g.clone()
            optimizer.step()
            after.append(p.detach().clone())
        params = {'lr': lr, 'momentum': momentum, 'nesterov': nesterov, 'weight_decay': decay}
        yield params, {'param': param, 'grad': grad, 'params': torch.stack(after)}


def lamb_cases():
    """Two tensors whose gradients are clipped together. PyTorch has no LAMB: the direction is that of its Adam,
    the rest follows the equations."""
    for lr, betas, eps, decay, scale in [
        (3.5e-3, (0.9, 0.999), 1e-8, 0.35, 3.0),
        (1e-2, (0.8, 0.95), 1e-6, 0.02, 1e-2),
        (1e-2, (0.9, 0.999), 1e-8, 0.0, 1.0),
    ]:
        params, grads = [torch.randn(3, 5), torch.zeros(4)], [scale * torch.randn(4, 3, 5), scale * torch.randn(4, 4)]
        now, after = [p.clone() for p in params], [[], []]
        shadows = [torch.zeros_like(p).requires_grad_() for p in params]
        adam = torch.optim.Adam(shadows, lr=1, betas=betas, eps=eps, foreach=False)
        for step in range(4):
            total = torch.sqrt(sum((g[step] ** 2).sum() for g in grads))
            for shadow, g in zip(shadows, grads):
                shadow.data.zero_()
                shadow.grad = g[step] / max(1.0, float(total))
            adam.step()
            for k, shadow in enumerate(shadows):
                u = -shadow.detach() + decay * now[k]
                size, length = now[k].norm(), u.norm()
                ratio = size / length if decay != 0 and size > 0 and length > 0 else 1.0
                now[k] = now[k] - lr * ratio * u
                after[k].append(now[k].clone())
        named = {f'{what}{k}': t for k in range(2) for what, t in [('param', params[k]), ('grad', grads[k])]}
        stored = {f'params{k}': torch.stack(after[k]) for k in range(2)}
        yield {'lr': lr, 'betas': list(betas), 'eps': eps, 'weight_decay': decay}, named | stored


def cosine_annealing_cases():
    for base, t_max, eta_min in [(1e-3, 19, 0.0), (3e-3, 10, 1e-5), (0.1, 1, 0.0), (1e-3, 50, 1e-6)]:
        lr = [eta_min + (base - eta_min) * (1 + math.cos(math.pi * t / t_max)) / 2 for t in range(t_max + 1)]
        # PyTorch uses a recurrence, which accumulates rounding errors; this is the closed form.
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, t_max, eta_min)
        for expected in lr:
            assert abs(schedule.get_last_lr()[0] - expected) <= 1e-14 * base
            optimizer.step()
            schedule.step()
        yield {'base_lr': base, 't_max': t_max, 'eta_min': eta_min}, {'lr': lr}


def lambda_schedule_cases():
    for schedule in ['linear', 'cosine']:
        for decay in [20, 7.5]:
            epoch = np.array([0, 1 / 3, 0.5, 1, 2.25, decay / 2, 5, decay - 1e-3, decay, decay + 0.5, 50])
            t = np.minimum(epoch / decay, 1)
            lam = t if schedule == 'linear' else (1 - np.cos(np.pi * t)) / 2
            yield {'schedule': schedule, 'decay_epochs': decay}, {'epoch': epoch, 'lambda': lam}


def normal_cdf(z):
    return (1 + math.erf(z / math.sqrt(2))) / 2


def truncated_normal_cases():
    """The transform of torch.nn.init.trunc_normal_ in 40 digits; float64 loses digits where erf is flat."""
    for mean, std, a, b in [
        (0.0, 0.02, -2.0, 2.0),  # timm: the bounds are absolute, 100 sigma out
        (0.0, 0.02, -0.04, 0.04),  # two sigma
        (0.0, 1.0, -2.0, 2.0),
        (0.5, 0.8, -0.3, 1.0),
    ]:
        u = torch.cat([torch.tensor([0.001, 0.5, 0.999]), torch.rand(22).clamp(0.001, 0.999)])
        with mpmath.workdps(40):
            low, high = (mpmath.ncdf((mpmath.mpf(edge) - mean) / std) for edge in (a, b))
            exact = [
                mpmath.erfinv(2 * low - 1 + mpmath.mpf(float(v)) * (2 * high - 2 * low)) * std * mpmath.sqrt(2) + mean
                for v in u
            ]
            x = torch.tensor([float(min(max(v, a), b)) for v in exact])
        low, high = (normal_cdf((edge - mean) / std) for edge in (a, b))
        v = 2 * low - 1 + u * (2 * high - 2 * low)
        plain = (torch.erfinv(v) * std * math.sqrt(2) + mean).clamp(a, b)
        error = ((plain - x).abs().max() / x.abs().max()).item()
        print(f'  truncatedNormal std {std} in [{a}, {b}]: float64 is within {error:.1e} of 40 digits')
        assert error < 1e-12
        yield {'mean': mean, 'std': std, 'a': a, 'b': b}, {'u': u, 'x': x}


def series_activation_cases():
    for n, training, batch, c, h, w in [
        (1, True, 2, 3, 5, 7),
        (2, True, 3, 8, 3, 5),
        (3, True, 2, 5, 7, 6),
        (4, True, 1, 4, 9, 5),
        (3, False, 2, 17, 3, 3),
        (2, False, 1, 1, 7, 5),
    ]:
        mean, var = torch.randn(c), 0.5 + torch.rand(c)
        new_mean, new_var = mean.clone(), var.clone()

        def train_form(x, weight, bn_weight, bn_bias):
            y = F.conv2d(F.relu(x), weight, padding=n, groups=c)
            return F.batch_norm(y, new_mean, new_var, bn_weight, bn_bias, training, BN_MOMENTUM, BN_EPS)

        params, stored = differentiated(
            {'act_num': n, 'training': training, 'form': 'train'},
            train_form,
            'x weight bn_weight bn_bias',
            x=torch.randn(batch, c, h, w),
            weight=torch.randn(c, 1, 2 * n + 1, 2 * n + 1),
            bn_weight=torch.randn(c),
            bn_bias=torch.randn(c),
        )
        stored |= {'running_mean': mean, 'running_var': var, 'new_running_mean': new_mean, 'new_running_var': new_var}
        yield params, stored
    for n, batch, c, h, w in [(1, 1, 5, 3, 4), (2, 2, 17, 3, 5), (3, 2, 3, 7, 7), (4, 3, 4, 3, 2)]:
        yield differentiated(
            {'act_num': n, 'training': False, 'form': 'deploy'},
            lambda x, weight, bias: F.conv2d(F.relu(x), weight, bias, padding=n, groups=c),
            'x weight bias',
            x=torch.randn(batch, c, h, w),
            weight=torch.randn(c, 1, 2 * n + 1, 2 * n + 1),
            bias=torch.randn(c),
        )


OPS = {
    'conv2d': conv2d_cases,
    'depthwiseConv2d': depthwise_cases,
    'batchNorm': batch_norm_cases,
    'leakyRelu': leaky_relu_cases,
    'maxPool2d': max_pool_cases,
    'adaptiveMaxPool2d': adaptive_max_pool_cases,
    'globalAvgPool': global_avg_pool_cases,
    'dropout': dropout_cases,
    'dropPath': drop_path_cases,
    'softmax': softmax_cases,
    'logSoftmax': log_softmax_cases,
    'labelSmoothingCrossEntropy': cross_entropy_cases,
    'bceWithLogits': bce_cases,
    'crossEntropy': soft_cross_entropy_cases,
    'adam': adam_cases,
    'adamw': adamw_cases,
    'sgd': sgd_cases,
    'lamb': lamb_cases,
    'cosineAnnealing': cosine_annealing_cases,
    'lambdaSchedule': lambda_schedule_cases,
    'truncatedNormal': truncated_normal_cases,
    'philox': philox_cases,
    'seriesActivation': series_activation_cases,
}


def write_ops():
    for name, cases in OPS.items():
        torch.manual_seed(zlib.crc32(name.encode()))  # an op's values do not move when another op changes
        save(HERE / 'ops' / f'{name}.safetensors', list(cases()))


# ----------------------------------------------------------------- the network


class Torch:
    """The kernels of PyTorch, whose results are stored."""

    @staticmethod
    def conv(x, weight, bias, stride=1, padding=0, groups=1):
        return F.conv2d(x, weight, bias, stride, padding, groups=groups)

    @staticmethod
    def batch_norm(x, weight, bias, mean, var, training):
        return F.batch_norm(x, mean, var, weight, bias, training, BN_MOMENTUM, BN_EPS)

    @staticmethod
    def loss(logits, targets, smoothing):
        return F.cross_entropy(logits, targets, label_smoothing=smoothing)

    @staticmethod
    def adam(params, lr, betas, eps, weight_decay):
        return torch.optim.Adam(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=False).step


class ByDefinition:
    """The same mathematics with sums in another order, to check the stored results."""

    @staticmethod
    def conv(x, weight, bias, stride=1, padding=0, groups=1):
        (n, c, h, w), (out, inner, kh, kw) = x.shape, weight.shape
        ho, wo = (h + 2 * padding - kh) // stride + 1, (w + 2 * padding - kw) // stride + 1
        columns = F.unfold(x, (kh, kw), padding=padding, stride=stride).view(n, groups, c // groups * kh * kw, ho * wo)
        y = torch.einsum('gok,ngkp->ngop', weight.reshape(groups, out // groups, -1), columns).reshape(n, out, ho, wo)
        return y if bias is None else y + bias.view(-1, 1, 1)

    @staticmethod
    def batch_norm(x, weight, bias, mean, var, training):
        def column(v):
            return v.view(-1, 1, 1)

        if training:
            count = x.numel() // x.shape[1]
            batch_mean = x.sum((3, 2, 0)) / count
            batch_var = (x - column(batch_mean)).square().sum((3, 2, 0)) / count
            with torch.no_grad():
                mean += BN_MOMENTUM * (batch_mean - mean)
                var += BN_MOMENTUM * (batch_var * count / (count - 1) - var)
            mean, var = batch_mean, batch_var
        return (x - column(mean)) / column((var + BN_EPS).sqrt()) * column(weight) + column(bias)

    @staticmethod
    def loss(logits, targets, smoothing):
        return smoothed_cross_entropy(logits, targets, smoothing)

    @staticmethod
    def adam(params, lr, betas, eps, weight_decay):
        state = [(torch.zeros_like(p), torch.zeros_like(p)) for p in params]
        steps = 0

        def step():
            nonlocal steps
            steps += 1
            with torch.no_grad():
                for p, (m, v) in zip(params, state):
                    g = p.grad + weight_decay * p
                    m.copy_(betas[0] * m + (1 - betas[0]) * g)
                    v.copy_(betas[1] * v + (1 - betas[1]) * g.square())
                    p -= lr * (m / (1 - betas[0] ** steps)) / ((v / (1 - betas[1] ** steps)).sqrt() + eps)

        return step


class Margins:
    """How far a training pass stays from points where its gradient jumps or its rounding errors grow.

    Evaluation needs no margin, because the forward pass is continuous. (At lambda = 0 a narrow network even
    has exact ties, where every channel of a layer is cut off at two neighboring points.)
    """

    def __init__(self):
        self.kink = self.tie = self.variance = math.inf

    def see_kink(self, x):
        self.kink = min(self.kink, x.detach().abs().min().item())

    def see_windows(self, x, rows, columns):
        for top, bottom in rows:
            for left, right in columns:
                window = x.detach()[:, :, top:bottom, left:right].flatten(2)
                if window.shape[2] > 1:
                    best = window.topk(2).values
                    self.tie = min(self.tie, (best[..., 0] - best[..., 1]).min().item())

    def see_variance(self, x):
        self.variance = min(self.variance, x.detach().var((0, 2, 3), unbiased=False).min().item())

    def check(self, what):
        assert self.kink > 1e-9, f'{what}: a value {self.kink:.1e} from the kink; choose another seed'
        assert self.tie > 1e-9, f'{what}: pooling candidates {self.tie:.1e} apart; choose another seed'
        assert self.variance > 1e-4, f'{what}: a batch variance of {self.variance:.1e}; choose another seed or shape'


def train_shapes(config):
    """Names and shapes in PyTorch's state_dict order, without num_batches_tracked."""
    shapes = {}

    def conv(name, out, inner, kernel):
        shapes.update({f'{name}.weight': (out, inner, kernel, kernel), f'{name}.bias': (out,)})

    def norm(name, c):
        shapes.update({f'{name}.{part}': (c,) for part in ('weight', 'bias', 'running_mean', 'running_var')})

    def activation(name, c):
        shapes[f'{name}.weight'] = (c, 1, 2 * config['act_num'] + 1, 2 * config['act_num'] + 1)
        norm(f'{name}.bn', c)

    dims, classes = config['dims'], config['num_classes']
    conv('stem1.0', dims[0], config['in_chans'], 4)
    norm('stem1.1', dims[0])
    conv('stem2.0', dims[0], dims[0], 1)
    norm('stem2.1', dims[0])
    activation('stem2.2', dims[0])
    for i, (d, out) in enumerate(zip(dims, dims[1:])):
        conv(f'stages.{i}.conv1.0', d, d, 1)
        norm(f'stages.{i}.conv1.1', d)
        conv(f'stages.{i}.conv2.0', out, d, 1)
        norm(f'stages.{i}.conv2.1', out)
        activation(f'stages.{i}.act', out)
    conv('cls1.2', classes, dims[-1], 1)
    norm('cls1.3', classes)
    conv('cls2.0', classes, classes, 1)
    return shapes


def is_buffer(name):
    return name.endswith(('.running_mean', '.running_var'))


def vanishing(name):
    """Whether the next batch normalization, in training mode, cancels this shift: its gradient is exactly zero.

    This holds for the biases of convolutions before a batch normalization, and for the shift of the
    activation's normalization, since only a 1x1 convolution (and the average) precedes the next one.
    """
    return name.endswith('.bn.bias') or (name.endswith('.0.bias') and name != 'cls2.0.bias') or name == 'cls1.2.bias'


def forward(net, config, x, lam=None, training=False, ops=Torch, margins=None):
    """Logits of the train form, or of the deploy form if net has the tensors of that form.

    Training mode updates the running statistics in net.
    """
    margins = margins or Margins()
    ada, act_num = config.get('ada_pool'), config['act_num']
    stem = {'stride': 3, 'padding': 1} if ada else {'stride': 4}

    def conv(name, x, **geometry):
        return ops.conv(x, net[f'{name}.weight'], net.get(f'{name}.bias'), **geometry)

    def norm(name, x):
        if training:
            margins.see_variance(x)
        parts = [net[f'{name}.{part}'] for part in ('weight', 'bias', 'running_mean', 'running_var')]
        return ops.batch_norm(x, *parts, training)

    def leaky(x):
        margins.see_kink(x)
        return F.leaky_relu(x, lam)

    def pool(i, x):
        stride, (h, w) = config['strides'][i], x.shape[2:]
        if stride == 1:
            return x
        if ada and ada[i]:
            out = ada[i]
            rows, columns = ([(j * s // out, -(-(j + 1) * s // out)) for j in range(out)] for s in (h, w))
            margins.see_windows(x, rows, columns)
            return F.adaptive_max_pool2d(x, out)
        rows, columns = ([(j * stride, (j + 1) * stride) for j in range(s // stride)] for s in (h, w))
        margins.see_windows(x, rows, columns)
        return F.max_pool2d(x, stride)

    def activation(name, x):
        margins.see_kink(x)
        y = conv(name, F.relu(x), padding=act_num, groups=x.shape[1])
        return norm(f'{name}.bn', y) if f'{name}.bn.weight' in net else y

    def average(x):
        return x.mean((2, 3), keepdim=True)

    stages = range(len(config['strides']))
    if 'stem.0.weight' in net:
        x = activation('stem.1', conv('stem.0', x, **stem))
        for i in stages:
            x = activation(f'stages.{i}.act', pool(i, conv(f'stages.{i}.conv', x)))
        return conv('cls.2', average(x)).flatten(1)

    x = leaky(norm('stem1.1', conv('stem1.0', x, **stem)))
    x = activation('stem2.2', norm('stem2.1', conv('stem2.0', x)))
    for i in stages:
        x = leaky(norm(f'stages.{i}.conv1.1', conv(f'stages.{i}.conv1.0', x)))
        x = pool(i, norm(f'stages.{i}.conv2.1', conv(f'stages.{i}.conv2.0', x)))
        x = activation(f'stages.{i}.act', x)
    x = leaky(norm('cls1.3', conv('cls1.2', average(x))))
    return conv('cls2.0', x).flatten(1)


def fuse(net, config):
    """The deploy form of a net at lambda = 1, where its paired convolutions have no nonlinearity between them."""

    def folded(conv, norm):
        t = net[f'{norm}.weight'] / (net[f'{norm}.running_var'] + BN_EPS).sqrt()
        weight, bias = net[f'{conv}.weight'], net.get(f'{conv}.bias', 0.0)
        return weight * t.view(-1, 1, 1, 1), net[f'{norm}.bias'] + (bias - net[f'{norm}.running_mean']) * t

    def chained(first, second):
        (w1, b1), (w2, b2) = first, second
        w2 = w2[:, :, 0, 0]
        return torch.einsum('oi,icjk->ocjk', w2, w1), b2 + w2 @ b1

    fused = {}

    def put(name, pair):
        fused[f'{name}.weight'], fused[f'{name}.bias'] = pair

    put('stem.0', chained(folded('stem1.0', 'stem1.1'), folded('stem2.0', 'stem2.1')))
    put('stem.1', folded('stem2.2', 'stem2.2.bn'))
    for i in range(len(config['strides'])):
        s = f'stages.{i}'
        put(f'{s}.conv', chained(folded(f'{s}.conv1.0', f'{s}.conv1.1'), folded(f'{s}.conv2.0', f'{s}.conv2.1')))
        put(f'{s}.act', folded(f'{s}.act', f'{s}.act.bn'))
    put('cls.2', chained(folded('cls1.2', 'cls1.3'), (net['cls2.0.weight'], net['cls2.0.bias'])))
    return fused


def train_step(net, config, x, targets, lam, smoothing, ops, margins=None):
    """One forward and backward pass in training mode; the gradients are left on the parameters."""
    for name, t in net.items():
        if not is_buffer(name):
            t.requires_grad_().grad = None
    logits = forward(net, config, x, lam, True, ops, margins)
    loss = ops.loss(logits, targets, smoothing)
    loss.backward()
    return logits.detach(), loss.detach()


# -------------------------------------------------- against the official code


def check_official():
    if not OFFICIAL.exists():
        print('SKIPPED: no official-plain.json; the network is not held against the official code')
        return
    golden = json.loads(OFFICIAL.read_text())['plain']
    config = {**golden['kw'], 'in_chans': 3}
    shapes = train_shapes(config)
    assert len(shapes) == golden['tensors']

    def value(k, name, shape):
        s = torch.sin(0.37 * torch.arange(math.prod(shape)).double() + 0.91 * k).view(shape)
        if name.endswith('running_var'):
            return 1 + 0.5 * s
        is_norm_weight = name.endswith('.weight') and len(shape) == 1
        return 1 + 0.3 * s if is_norm_weight else 0.4 * s

    net = {name: value(k, name, shape) for k, (name, shape) in enumerate(shapes.items())}
    x = torch.sin(0.05 * torch.arange(4 * 3 * 32 * 32).double()).view(4, 3, 32, 32)
    worst = 0.0

    def same(got, expected):
        nonlocal worst
        expected = torch.tensor(expected)
        worst = max(worst, ((got - expected).abs().max() / expected.abs().max()).item())
        assert worst < 1e-11, f'the official code gives {expected}, not {got}'

    for lam in ('0', '0.25', '1'):
        same(forward(net, config, x, float(lam)), golden[f'eval_act_{lam}'])
    same(forward(fuse(net, config), config, x), golden['deploy'])
    targets = torch.tensor([1, 3, 0, 4])
    logits, loss = train_step(net, config, x, targets, 0.25, 0.1, Torch)
    same(logits, golden['train_logits_act_0.25'])
    same(loss, golden['ls_loss'])
    for name, norm in golden['grad_l2'].items():
        if vanishing(name):
            assert norm < 1e-12 and net[name].grad.abs().max() < 1e-12, name
        else:
            same(net[name].grad.norm(), norm)
    for part in ('mean', 'var'):
        same(net[f'stem1.1.running_{part}'], golden[f'stem1_bn_running_{part}_after'])
    print(f'official code: logits, deploy form, loss, gradient norms and running statistics within {worst:.1e}')


# -------------------------------------------------------------------- variants

# A 64th of the published widths. The inputs leave a map of at least 2x2 in the last stage: on a single point
# the activation is a scale, which its normalization cancels, so that the gradient of its kernel consists of
# rounding errors only.


def deep(d, repeats):
    dims = [d, d, 2 * d, *[4 * d] * repeats, 8 * d, 8 * d]
    return {'dims': dims, 'strides': [1, 2, 2, *[1] * (repeats - 1), 2, 1]}


VARIANTS = {
    'vanillanet_5': {'dims': [8, 16, 32, 64], 'strides': [2, 2, 2], 'num_classes': 5, 'input_size': [67, 73]},
    'vanillanet_6': {
        'dims': [8, 16, 32, 64, 64],
        'strides': [2, 2, 2, 1],
        'num_classes': 3,
        'act_num': 2,
        'input_size': [69, 77],
    },
    'vanillanet_7': {**deep(8, 1), 'num_classes': 7, 'input_size': [75, 67]},
    'vanillanet_8': {**deep(8, 2), 'num_classes': 4, 'act_num': 4, 'input_size': [67, 101]},
    'vanillanet_9': {**deep(8, 3), 'num_classes': 5, 'input_size': [101, 67]},
    'vanillanet_10': {**deep(8, 4), 'num_classes': 6, 'input_size': [67, 101]},
    'vanillanet_11': {**deep(8, 5), 'num_classes': 5, 'input_size': [67, 103]},
    'vanillanet_12': {**deep(8, 6), 'num_classes': 7, 'input_size': [97, 71]},
    'vanillanet_13': {**deep(8, 7), 'num_classes': 4, 'input_size': [97, 67]},
    'vanillanet_13_x1_5': {**deep(12, 7), 'num_classes': 5, 'input_size': [67, 97]},
    'vanillanet_13_x1_5_ada_pool': {
        **deep(12, 7),
        'ada_pool': [0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0],
        'num_classes': 6,
        'input_size': [33, 37],
    },
}

BATCH = 4
INPUT_STREAM = 1000
SMOOTHING, TRAIN_LAMBDA = 0.1, 0.25
ADAM = {'lr': 1e-3, 'betas': (0.9, 0.999), 'eps': 1e-8, 'weight_decay': 1e-5}
ADAM_STEPS = 3
SAMPLES = 12
NOISE = 1e-12  # of a tensor's largest magnitude; the tests allow ten times as much


def signed(seed, stream, shape):
    return torch.from_numpy(2 * uniform(seed, stream, np.arange(math.prod(shape))) - 1).view(shape)


def ruled_weights(config, seed):
    """Weights by a rule instead of stored data: uniform numbers by tensor and element.

    Biases whose gradient vanishes stay away from zero. Their gradient is rounding noise plus the weight decay,
    1e-5 times the bias, and Adam divides by the magnitude of the sum: near zero, the noise would change the
    seventh digit of the step.
    """

    def value(k, name, shape):
        s = signed(seed, k, shape)
        if len(shape) == 4:
            return s * math.sqrt(3 / math.prod(shape[1:]))  # variance 1 / fan-in
        if name.endswith('running_mean'):
            return 0.3 * s
        if name.endswith('running_var'):
            return 1 + 0.5 * s
        if name.endswith('.weight'):
            return 1 + 0.3 * s
        return (s + s.sign()) / 2 if vanishing(name) else 0.1 * s

    return {name: value(k, name, shape) for k, (name, shape) in enumerate(train_shapes(config).items())}


def run(config, seed, x, targets, ops, margins):
    """The stored values of a network: loose tensors, and sets of named ones."""
    loose, sets = {}, {}
    net = ruled_weights(config, seed)
    for lam in ('0', '0.25', '1'):
        loose[f'logits_eval_{lam}'] = forward(net, config, x, float(lam), ops=ops)
    loose['logits_deploy'] = forward(fuse(net, config), config, x, ops=ops)

    parameters = [name for name in net if not is_buffer(name)]
    losses = []
    for step in range(ADAM_STEPS):
        logits, loss = train_step(net, config, x, targets, TRAIN_LAMBDA, SMOOTHING, ops, margins)
        losses.append(loss)
        if step == 0:
            loose |= {'logits_train': logits, 'loss_train': loss}
            sets['grad'] = {name: net[name].grad.clone() for name in parameters}
            sets['after'] = {name: t.clone() for name, t in net.items() if is_buffer(name)}
            adam_step = ops.adam([net[name] for name in parameters], **ADAM)
        adam_step()
    loose['losses'] = torch.stack(losses)
    sets['adam3'] = {name: t.detach() for name, t in net.items()}
    return loose, sets


def relative(a, b):
    return ((a - b).abs().max() / a.abs().max()).item()


def spread(t, samples):
    """Elements at evenly spaced flat indices, including the first and the last; all if samples is None."""
    m = t.numel() if samples is None else min(samples, t.numel())
    return t.flatten()[[i * (t.numel() - 1) // max(m - 1, 1) for i in range(m)]]


def write_variants():
    for number, (name, sizes) in enumerate(VARIANTS.items()):
        config = {'variant': name, 'in_chans': 3, 'act_num': 3, 'drop_rate': 0, **sizes}
        seed, samples = 300 + number, None if name == 'vanillanet_5' else SAMPLES
        shape = (BATCH, config['in_chans'], *config['input_size'])
        x = math.sqrt(3) * signed(seed, INPUT_STREAM, shape)
        targets = [(2 * i + 1) % config['num_classes'] for i in range(BATCH)]

        margins = Margins()
        loose, sets = run(config, seed, x, torch.tensor(targets), Torch, margins)
        other_loose, other_sets = run(config, seed, x, torch.tensor(targets), ByDefinition, Margins())
        margins.check(name)
        for key, t in loose.items():
            assert 0.01 < t.abs().max() < 1e4, f'{name}: {key} reaches {t.abs().max():.1e}'
        assert relative(loose['logits_eval_1'], loose['logits_deploy']) < 1e-10

        # These gradients are exactly zero: their rounding errors are not stored.
        left = 0.0
        for grad in (sets['grad'], other_sets['grad']):
            for tensor in filter(vanishing, grad):
                left = max(left, grad[tensor].abs().max().item())
                grad[tensor] = torch.zeros_like(grad[tensor])
        assert left < 1e-12, f'{name}: a gradient that must vanish is {left:.1e}'

        noise = {'outputs': max((relative(t, other_loose[key]), key) for key, t in loose.items())}
        for kind, named in sets.items():
            compared = [t for t in named if not (kind == 'grad' and vanishing(t))]
            noise[kind] = max((relative(named[t], other_sets[kind][t]), t) for t in compared)
        print(
            f'{name}: kink {margins.kink:.0e}, tie {margins.tie:.0e}, variance {margins.variance:.0e},',
            f'vanishing {left:.0e}, noise',
            ', '.join(f'{kind} {value:.1e} ({where})' for kind, (value, where) in noise.items()),
        )
        for kind, (value, where) in noise.items():
            assert value < NOISE, f'{name}: {kind} {where} is uncertain by {value:.1e}; choose another seed or shape'

        case = {
            'config': config,
            'seed': seed,
            'batch': BATCH,
            'targets': targets,
            'smoothing': SMOOTHING,
            'lambda': TRAIN_LAMBDA,
            'adam': {**ADAM, 'betas': list(ADAM['betas']), 'steps': ADAM_STEPS},
            'sampled': samples,
            'vanishing': [t for t in sets['grad'] if vanishing(t)],
        }
        for kind, named in sets.items():
            case[f'{kind}_names'] = list(named)
            loose[kind] = torch.cat([spread(t, samples) for t in named.values()])
            loose[f'{kind}_max'] = torch.stack([t.abs().max() for t in named.values()])
            loose[f'{kind}_norm'] = torch.stack([t.norm() for t in named.values()])
        save(HERE / 'variants' / f'{name}.safetensors', [(case, loose)])


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest():
    files = [OFFICIAL, *sorted(HERE.glob('*/*.safetensors'))]
    manifest = {
        'generator': sha256(Path(__file__)),
        'versions': {
            'python': platform.python_version(),
            'torch': torch.__version__,
            'numpy': np.__version__,
            'safetensors': safetensors.__version__,
            'mpmath': mpmath.__version__,
        },
        'files': {path.relative_to(HERE).as_posix(): sha256(path) for path in files},
    }
    (HERE / 'manifest.json').write_text(json.dumps(manifest, indent=2) + '\n')


if __name__ == '__main__':
    check_official()
    write_ops()
    write_variants()
    write_manifest()
