"""VanillaNet in PaddlePaddle, as a port that conformance/check.py judges.

Running variances are biased there. The precision is float32: also with tensors of float64, the framework keeps ε, the
momentum and the learning rate in float32.
"""

import numpy as np
import paddle
import paddle.nn.functional as F

PRECISION = 'float32'
paddle.set_device('cpu')
paddle.set_default_dtype(PRECISION)

EPS = 1e-6


def tensor(value, grad=False):
    return paddle.to_tensor(np.asarray(value), dtype=PRECISION, stop_gradient=not grad)


def tensors(inputs):
    return {name: tensor(value) for name, value in inputs.items()}


def arrays(results):
    return {name: value.numpy() for name, value in results.items()}


def differentiate(function, inputs, names):
    """y = function(inputs), and the gradients of Σ dy·y by the names."""
    leaves = {name: tensor(value, grad=name in names) for name, value in inputs.items()}
    y = function(leaves)
    if 'dy' not in inputs:
        return {'y': y}
    (y * leaves['dy']).sum().backward()
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


def batch_norm(inputs, a):
    if a['training'] and a['running_var'] == 'unbiased':
        raise NotImplementedError
    mean, var = tensor(inputs['running_mean']), tensor(inputs['running_var'])

    def run(i):
        settings = {'training': a['training'], 'momentum': 1 - a['momentum'], 'epsilon': a['eps']}
        return F.batch_norm(i['x'], mean, var, i['weight'], i['bias'], **settings)

    results = differentiate(run, inputs, ['x', 'weight', 'bias'])
    if a['training']:
        results |= {'new_running_mean': mean, 'new_running_var': var}
    return arrays(results)


def leaky_relu(inputs, a):
    return arrays(differentiate(lambda i: F.leaky_relu(i['x'], a['lambda']), inputs, ['x']))


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
    return with_gradient(lambda logits, targets: F.cross_entropy(logits, targets, soft_label=True), inputs)


def bce_with_logits(inputs, a):
    return with_gradient(F.binary_cross_entropy_with_logits, inputs)


# ---------------------------------------------------------------- the network


class Net:
    """The network on a state: tensors by PyTorch's names."""

    def __init__(self, state, a, training=False):
        self.state, self.a, self.training = state, a, training

    def conv(self, x, name, **window):
        return F.conv2d(x, self.state[f'{name}.weight'], self.state[f'{name}.bias'], **window)

    def norm(self, x, name):
        weight, bias, mean, var = (
            self.state[f'{name}.{part}'] for part in ('weight', 'bias', 'running_mean', 'running_var')
        )
        return F.batch_norm(x, mean, var, weight, bias, training=self.training, momentum=0.9, epsilon=EPS)

    def activation(self, x, name):
        weight, bias = self.state[f'{name}.weight'], self.state.get(f'{name}.bias')
        y = F.conv2d(F.relu(x), weight, bias, padding=self.a['act_num'], groups=x.shape[1])
        return y if bias is not None else self.norm(y, f'{name}.bn')

    def leaky(self, x):
        return F.leaky_relu(x, self.a['lambda'])

    def stem(self, x):
        stride, padding = (4, 0) if self.a['ada_pool'] is None else (3, 1)
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
    return arrays({'y': Net(state, a).block(state['x'], '', a['stride'], a['ada_pool'])})


def network(inputs, a):
    return arrays({'logits': Net(state_of(inputs), a)(tensor(inputs['x']))})


def optimizer_for(parameters, settings):
    kind, lr, decay = settings['kind'], settings['lr'], settings['weight_decay']
    if kind == 'sgd':
        return paddle.optimizer.Momentum(lr, settings['momentum'], parameters, weight_decay=decay)
    if kind not in ('adam', 'adamw'):
        raise NotImplementedError
    family = paddle.optimizer.Adam if kind == 'adam' else paddle.optimizer.AdamW
    return family(lr, *settings['betas'], settings['eps'], parameters, weight_decay=decay)


def train(inputs, a):
    state = state_of(inputs)
    parameters = [name for name in state if 'running_' not in name]
    for name in parameters:
        state[name].stop_gradient = False
    optimizer = optimizer_for([state[name] for name in parameters], a['optimizer'])
    losses, gradients = [], {}
    for x, targets, slope in zip(inputs['x'], inputs['targets'], a['lambda']):
        logits = Net(state, {**a, 'lambda': slope}, training=True)(tensor(x))
        loss = F.cross_entropy(logits, tensor(targets), soft_label=True)
        loss.backward()
        gradients = {f'grad.{name}': state[name].grad.clone() for name in parameters}
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    results = {'logits': logits, **(gradients if len(losses) == 1 else {})}
    for name, value in state.items():
        # Only the cases with biased variances have those of PaddlePaddle.
        if not name.endswith('running_var') or a['running_var'] == 'biased':
            results[f'new_state.{name}'] = value
    return arrays(results) | {'loss': np.array(losses)}
