"""VanillaNet in PyTorch, written from its description, as a port that conformance/check.py judges."""

import math
import os

import numpy as np
import torch
import torch.nn.functional as F

# Both precisions pass.
PRECISION = os.environ.get('CONFORMANCE_PRECISION', 'float64')
DTYPE = getattr(torch, PRECISION)
torch.set_num_threads(1)

# What ports get wrong. Tests change these one at a time.
EPS = None  # ε of every normalization; None: that of the case
STEM_OF_ADA_POOL = (3, 1)  # stride and padding
RUNNING_VAR = None  # 'biased' or 'unbiased'; None: that of the case
DECOUPLED = {'adam': False, 'adamw': True}
IN_EVALUATION = False  # whether evaluation normalizes by the statistics of the batch
CROP_PCT = None


def slope_of(value):
    return value


def tensor(value, grad=False):
    return torch.tensor(np.asarray(value), dtype=DTYPE, requires_grad=grad)


def tensors(inputs):
    return {name: tensor(value) for name, value in inputs.items()}


def arrays(results):
    return {name: value.detach().numpy() for name, value in results.items()}


def differentiate(function, inputs, names):
    """y = function(inputs), and the gradients of Σ dy·y by the names."""
    leaves = {name: tensor(value, grad=name in names) for name, value in inputs.items()}
    y = function(leaves)
    if 'dy' not in inputs:
        return {'y': y}
    y.backward(leaves['dy'])
    return {'y': y} | {f'd{name}': leaves[name].grad for name in names}


# ---------------------------------------------------------------- single functions


def conv2d(inputs, a):
    def run(i):
        return F.conv2d(i['x'], i['weight'], i['bias'], a['stride'], a['padding'])

    return arrays(differentiate(run, inputs, ['x', 'weight', 'bias']))


def depthwise_conv2d(inputs, a):
    def run(i):
        return F.conv2d(i['x'], i['weight'], padding=a['padding'], groups=i['x'].shape[1])

    return arrays(differentiate(run, inputs, ['x', 'weight']))


def normalize(x, weight, bias, mean, var, training, eps=1e-6, momentum=0.1, running_var='unbiased'):
    """Returns y; updates the running statistics in place."""
    # PyTorch keeps the statistics that it is passed for the backward pass.
    new_mean, new_var = mean.clone(), var.clone()
    y = F.batch_norm(x, new_mean, new_var, weight, bias, training, momentum, EPS or eps)
    if training:
        if (RUNNING_VAR or running_var) == 'biased':
            new_var = (1 - momentum) * var + momentum * x.detach().var((0, 2, 3), unbiased=False)
        mean.copy_(new_mean)
        var.copy_(new_var)
    return y


def batch_norm(inputs, a):
    mean, var = tensor(inputs['running_mean']), tensor(inputs['running_var'])

    def run(i):
        settings = {key: a[key] for key in ('training', 'eps', 'momentum', 'running_var')}
        return normalize(i['x'], i['weight'], i['bias'], mean, var, **settings)

    results = differentiate(run, inputs, ['x', 'weight', 'bias'])
    if a['training']:
        results |= {'new_running_mean': mean, 'new_running_var': var}
    return arrays(results)


def leaky_relu(inputs, a):
    return arrays(differentiate(lambda i: F.leaky_relu(i['x'], slope_of(a['lambda'])), inputs, ['x']))


def series_activation(inputs, a):
    i = tensors(inputs)
    x, weight = F.relu(i['x']), i['weight']
    return arrays({'y': F.conv2d(x, weight, i['bias'], padding=weight.shape[-1] // 2, groups=x.shape[1])})


def max_pool2d(inputs, a):
    return arrays(differentiate(lambda i: F.max_pool2d(i['x'], a['kernel_size']), inputs, ['x']))


def adaptive_max_pool2d(inputs, a):
    return arrays(differentiate(lambda i: F.adaptive_max_pool2d(i['x'], a['output_size']), inputs, ['x']))


def global_avg_pool(inputs, a):
    return arrays(differentiate(lambda i: F.adaptive_avg_pool2d(i['x'], 1), inputs, ['x']))


def with_gradient(loss_of, inputs):
    logits = tensor(inputs['logits'], grad=True)
    loss = loss_of(logits, tensor(inputs['targets']))
    loss.backward()
    return arrays({'loss': loss, 'dlogits': logits.grad})


def cross_entropy(inputs, a):
    return with_gradient(F.cross_entropy, inputs)


def bce_with_logits(inputs, a):
    return with_gradient(F.binary_cross_entropy_with_logits, inputs)


def lambda_schedule(inputs, a):
    t = np.minimum(inputs['epoch'].astype(np.float64) / a['decay_epochs'], 1)
    return {'lambda': t if a['kind'] == 'linear' else (1 - np.cos(np.pi * t)) / 2}


# ---------------------------------------------------------------- optimizers


def optimizer_for(parameters, settings):
    kind, lr, decay = settings['kind'], settings['lr'], settings['weight_decay']
    if kind == 'sgd':
        nesterov = settings.get('nesterov', False)
        return torch.optim.SGD(parameters, lr, momentum=settings['momentum'], weight_decay=decay, nesterov=nesterov)
    if kind == 'lamb':
        return Lamb(parameters, lr, settings['betas'], settings['eps'], decay)
    family = torch.optim.AdamW if DECOUPLED[kind] else torch.optim.Adam
    return family(parameters, lr, settings['betas'], settings['eps'], weight_decay=decay)


class Lamb(torch.optim.Optimizer):
    """LAMB as in timm: gradients are divided by their common norm if it exceeds 1; vectors are not decayed."""

    def __init__(self, parameters, lr, betas, eps, weight_decay, decay_vectors=False):
        defaults = {'lr': lr, 'betas': betas, 'eps': eps, 'weight_decay': weight_decay}
        super().__init__(parameters, {**defaults, 'decay_vectors': decay_vectors})

    @torch.no_grad()
    def step(self):
        (group,) = self.param_groups
        norm = math.sqrt(sum(float(p.grad.pow(2).sum()) for p in group['params']))
        (beta1, beta2), lr = group['betas'], group['lr']
        for p in group['params']:
            state = self.state[p]
            state.setdefault('step', 0)
            state['step'] += 1
            m, v = (state.setdefault(name, torch.zeros_like(p)) for name in ('exp_avg', 'exp_avg_sq'))
            g = p.grad / max(1, norm)
            m.mul_(beta1).add_(g, alpha=1 - beta1)
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            root = (v / (1 - beta2 ** state['step'])).sqrt() + group['eps']
            update = m / (1 - beta1 ** state['step']) / root
            decay = group['weight_decay'] if p.ndim > 1 or group['decay_vectors'] else 0
            update += decay * p
            sizes = float(p.norm()), float(update.norm())
            p -= lr * (sizes[0] / sizes[1] if decay != 0 and min(sizes) > 0 else 1) * update


def one_step(kind, state_names, inputs, a):
    p = tensor(inputs['param'], grad=True)
    p.grad = tensor(inputs['grad'])
    optimizer = optimizer_for([p], {'kind': kind, **a})
    optimizer.state[p] = {name: tensor(inputs[name]) for name in state_names}
    if kind != 'sgd':
        before = a['step'] - 1
        optimizer.state[p]['step'] = before if kind == 'lamb' else torch.tensor(float(before))
    optimizer.step()
    return arrays({'new_param': p} | {f'new_{name}': optimizer.state[p][name] for name in state_names})


def sgd(inputs, a):
    return one_step('sgd', ['momentum_buffer'], inputs, a)


def adam(inputs, a):
    return one_step('adam', ['exp_avg', 'exp_avg_sq'], inputs, a)


def adamw(inputs, a):
    return one_step('adamw', ['exp_avg', 'exp_avg_sq'], inputs, a)


def lamb(inputs, a):
    return one_step('lamb', ['exp_avg', 'exp_avg_sq'], inputs, a)


# ---------------------------------------------------------------- the network


class Net:
    """The network on a state: tensors by PyTorch's names."""

    def __init__(self, state, a, training=False, running_var='unbiased'):
        self.state, self.a, self.running_var = state, a, running_var
        self.training = training or IN_EVALUATION
        self.slope = slope_of(a['lambda'])

    def conv(self, x, name, **window):
        return F.conv2d(x, self.state[f'{name}.weight'], self.state[f'{name}.bias'], **window)

    def norm(self, x, name):
        parts = (self.state[f'{name}.{part}'] for part in ('weight', 'bias', 'running_mean', 'running_var'))
        return normalize(x, *parts, self.training, running_var=self.running_var)

    def activation(self, x, name):
        weight, bias = self.state[f'{name}.weight'], self.state.get(f'{name}.bias')
        y = F.conv2d(F.relu(x), weight, bias, padding=self.a['act_num'], groups=x.shape[1])
        return y if bias is not None else self.norm(y, f'{name}.bn')

    def leaky(self, x):
        return F.leaky_relu(x, self.slope)

    def stem(self, x):
        stride, padding = (4, 0) if self.a['ada_pool'] is None else STEM_OF_ADA_POOL
        if self.a['form'] == 'deploy':
            return self.activation(self.conv(x, 'stem.0', stride=stride, padding=padding), 'stem.1')
        x = self.norm(self.conv(x, 'stem1.0', stride=stride, padding=padding), 'stem1.1')
        return self.activation(self.norm(self.conv(self.leaky(x), 'stem2.0'), 'stem2.1'), 'stem2.2')

    def block(self, x, prefix, stride, size):
        if self.a['form'] == 'deploy':
            x = self.conv(x, f'{prefix}conv')
        else:
            x = self.leaky(self.norm(self.conv(x, f'{prefix}conv1.0'), f'{prefix}conv1.1'))
            x = self.norm(self.conv(x, f'{prefix}conv2.0'), f'{prefix}conv2.1')
        if stride != 1:
            x = F.max_pool2d(x, stride) if size == 0 else F.adaptive_max_pool2d(x, size)
        return self.activation(x, f'{prefix}act')

    def __call__(self, x):
        x = self.stem(x)
        for i, stride in enumerate(self.a['strides']):
            x = self.block(x, f'stages.{i}.', stride, (self.a['ada_pool'] or {i: 0})[i])
        x = F.adaptive_avg_pool2d(x, 1)
        if self.a['form'] == 'deploy':
            return self.conv(x, 'cls.2').flatten(1)
        x = self.leaky(self.norm(self.conv(x, 'cls1.2'), 'cls1.3'))
        return self.conv(x, 'cls2.0').flatten(1)


def state_of(inputs):
    return {name[len('state.') :]: tensor(value) for name, value in inputs.items() if name.startswith('state.')}


def block(inputs, a):
    state = tensors(inputs)
    net = Net(state, a)
    return arrays({'y': net.block(state['x'], '', a['stride'], a['ada_pool'])})


def network(inputs, a):
    return arrays({'logits': Net(state_of(inputs), a)(tensor(inputs['x']))})


def fuse(inputs, a):
    state = state_of(inputs)

    def folded(conv, norm):
        weight, bias = state[f'{conv}.weight'], state.get(f'{conv}.bias', 0)
        scale = state[f'{norm}.weight'] / torch.sqrt(state[f'{norm}.running_var'] + (EPS or 1e-6))
        return weight * scale.reshape(-1, 1, 1, 1), state[f'{norm}.bias'] + (bias - state[f'{norm}.running_mean']) * scale

    def composed(first, second):
        (w1, b1), (w2, b2) = first, second
        matrix = w2[:, :, 0, 0]
        return torch.einsum('om,mcij->ocij', matrix, w1), matrix @ b1 + b2

    layers = {
        'stem.0': composed(folded('stem1.0', 'stem1.1'), folded('stem2.0', 'stem2.1')),
        'stem.1': folded('stem2.2', 'stem2.2.bn'),
        'cls.2': composed(folded('cls1.2', 'cls1.3'), (state['cls2.0.weight'], state['cls2.0.bias'])),
    }
    for i in range(len(a['strides'])):
        name = f'stages.{i}'
        first, second = (folded(f'{name}.conv{k}.0', f'{name}.conv{k}.1') for k in (1, 2))
        layers |= {f'{name}.conv': composed(first, second), f'{name}.act': folded(f'{name}.act', f'{name}.act.bn')}
    return arrays({f'state.{name}.{part}': w for name, pair in layers.items() for part, w in zip(('weight', 'bias'), pair)})


def train(inputs, a):
    state = state_of(inputs)
    parameters = [name for name in state if 'running_' not in name]
    for name in parameters:
        state[name].requires_grad_(True)
    settings = a['optimizer']
    optimizer = optimizer_for([state[name] for name in parameters], settings)
    losses = []
    for x, targets, slope in zip(inputs['x'], inputs['targets'], a['lambda']):
        logits = Net(state, {**a, 'lambda': slope}, training=True, running_var=a['running_var'])(tensor(x))
        loss = F.cross_entropy(logits, tensor(targets))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    gradients = {f'grad.{name}': state[name].grad for name in parameters} if len(losses) == 1 else {}
    after = {f'new_state.{name}': value for name, value in state.items()}
    return arrays({'logits': logits, **gradients, **after}) | {'loss': np.array(losses)}


# ---------------------------------------------------------------- weights in fewer bits, pictures


def quantize_int8(inputs, a):
    weight = torch.tensor(inputs['weight'])
    rows = weight.abs().flatten(1).max(1).values / 127
    values = torch.round(weight / rows.reshape(-1, *[1] * (weight.ndim - 1))).clamp(-127, 127)
    return {'values': values.numpy(), 'scale': rows.numpy()}


def round_float16(inputs, a):
    return {'values': torch.tensor(inputs['weight']).half().float().numpy()}


def prepare_image(inputs, a):
    from PIL import Image
    from torchvision import transforms

    (size, _), pct = a['size'], CROP_PCT or a['crop_pct']
    image = Image.fromarray(inputs['image'].astype(np.uint8))
    steps = [transforms.Resize(math.floor(size / pct), transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(size)]
    return {'pixels': np.moveaxis(np.array(transforms.Compose(steps)(image)), 2, 0)}
