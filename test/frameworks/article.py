"""The VanillaNet of the PaddlePaddle article, with a conversion to the deploy form that runs, and a training of three steps:

    python article.py FOLDER

All numbers are float64. Into FOLDER, this writes

- `article.json`: the sizes of the network, λ, targets, rates, and lists of numbers: the images `x`; `train` and `deploy`, the
  logits of both forms before the training, in evaluation mode at λ = 1; `losses` and `logits` of each step; `trained`, the
  logits afterwards, in evaluation mode at the λ of the training
- `first.pdparams`, `deploy.pdparams`, `trained.pdparams`: parameters; `gradients.pdparams`: those of the first step
- `trained.pdopt`: the state of the optimizer, with its `LR_Scheduler`
"""

import json
import sys
from pathlib import Path

import paddle
from paddle import nn
from paddle.nn import functional as F

SIZES = dict(dims=[8, 16, 32, 64], strides=[2, 2, 2], num_classes=5, act_num=3)
SIDE, BATCH = 64, 4
TRAIN_SLOPE, SMOOTHING, RATE, DECAY, T_MAX, STEPS = 0.25, 0.1, 1e-3, 1e-5, 30, 3
EPS = 1e-6


def pointwise(inputs, outputs, **window):
    return nn.Conv2D(inputs, outputs, **{'kernel_size': 1, **window})


def norm(channels):
    return nn.BatchNorm2D(channels, epsilon=EPS)


def folded(weight, bias, bn):
    """A convolution, or an activation without bias, and the batch normalization after it."""
    scale = bn.weight / paddle.sqrt(bn._variance + EPS)
    return weight * scale.reshape([-1, 1, 1, 1]), bn.bias + (bias - bn._mean) * scale


def joined(first, second):
    (w1, b1), (w2, b2) = first, second
    matrix = w2.squeeze([2, 3])
    return paddle.einsum('oi,icjk->ocjk', matrix, w1), b2 + paddle.matmul(matrix, b1)


def folded_pair(pair):
    return folded(pair[0].weight, pair[0].bias, pair[1])


def convolution(weight, bias, **window):
    outputs, inputs, height, _ = weight.shape
    conv = nn.Conv2D(inputs, outputs, height, **window)
    conv.weight.set_value(weight)
    conv.bias.set_value(bias)
    return conv


class Series(nn.Layer):
    def __init__(self, channels, n):
        super().__init__()
        self.n, self.channels = n, channels
        self.weight = self.create_parameter([channels, 1, 2 * n + 1, 2 * n + 1])
        self.bn = norm(channels)

    def forward(self, x):
        bias = getattr(self, 'bias', None)
        y = F.conv2d(F.relu(x), self.weight, bias, padding=self.n, groups=self.channels)
        return self.bn(y) if bias is None else y

    def to_deploy(self):
        weight, bias = folded(self.weight, 0.0, self.bn)
        self.weight.set_value(weight)
        del self.bn
        self.bias = self.create_parameter([self.channels], is_bias=True)
        self.bias.set_value(bias)


class Stage(nn.Layer):
    def __init__(self, inputs, outputs, stride, n):
        super().__init__()
        self.conv1 = nn.Sequential(pointwise(inputs, inputs), norm(inputs))
        self.conv2 = nn.Sequential(pointwise(inputs, outputs), norm(outputs))
        self.pool = nn.Identity() if stride == 1 else nn.MaxPool2D(stride)
        self.act = Series(outputs, n)

    def forward(self, x, slope):
        if hasattr(self, 'conv'):
            x = self.conv(x)
        else:
            x = self.conv2(F.leaky_relu(self.conv1(x), slope))
        return self.act(self.pool(x))

    def to_deploy(self):
        weight, bias = joined(folded_pair(self.conv1), folded_pair(self.conv2))
        del self.conv1, self.conv2
        self.conv = convolution(weight, bias)
        self.act.to_deploy()


class VanillaNet(nn.Layer):
    def __init__(self, dims, strides, num_classes, act_num):
        super().__init__()
        self.slope = 1.0
        first = dims[0]
        self.stem1 = nn.Sequential(nn.Conv2D(3, first, 4, stride=4), norm(first))
        self.stem2 = nn.Sequential(pointwise(first, first), norm(first), Series(first, act_num))
        self.stages = nn.LayerList([Stage(d, out, s, act_num) for d, out, s in zip(dims, dims[1:], strides)])
        head = pointwise(dims[-1], num_classes)
        self.cls1 = nn.Sequential(nn.AdaptiveAvgPool2D(1), nn.Dropout(0.0), head, norm(num_classes))
        self.cls2 = nn.Sequential(pointwise(num_classes, num_classes))

    def forward(self, x):
        deploy = hasattr(self, 'stem')
        x = self.stem(x) if deploy else self.stem2(F.leaky_relu(self.stem1(x), self.slope))
        for stage in self.stages:
            x = stage(x, self.slope)
        x = self.cls(x) if deploy else self.cls2(F.leaky_relu(self.cls1(x), self.slope))
        return x.flatten(1)

    def to_deploy(self):
        stem = joined(folded_pair(self.stem1), folded_pair(self.stem2))
        act = self.stem2[2]
        act.to_deploy()
        del self.stem1, self.stem2
        self.stem = nn.Sequential(convolution(*stem, stride=4), act)
        for stage in self.stages:
            stage.to_deploy()
        last = self.cls2[0]
        head = joined(folded(self.cls1[2].weight, self.cls1[2].bias, self.cls1[3]), (last.weight, last.bias))
        del self.cls1, self.cls2
        self.cls = nn.Sequential(nn.AdaptiveAvgPool2D(1), nn.Dropout(0.0), convolution(*head))


def draw(model):
    """Random values. Biases stay away from 0: where the gradient vanishes, the decay of the weights decides Adam's step."""
    for name, value in model.state_dict().items():
        s = paddle.uniform(value.shape, min=-1.0, max=1.0)
        if len(value.shape) == 4:
            fan_in = value.shape[1] * value.shape[2] * value.shape[3]
            s = s * (3 / fan_in) ** 0.5
        elif name.endswith('_variance'):
            s = 1 + 0.5 * s
        elif name.endswith('_mean'):
            s = 0.3 * s
        elif name.endswith('.weight'):
            s = 1 + 0.3 * s
        else:
            s = (s + paddle.sign(s)) / 2
        value.set_value(s)


def smoothed_loss(logits, targets):
    log_p = F.log_softmax(logits, axis=-1)
    nll = -paddle.take_along_axis(log_p, targets.unsqueeze(1), axis=1).squeeze(1)
    return ((1 - SMOOTHING) * nll - SMOOTHING * log_p.mean(axis=-1)).mean()


def evaluated(model, x, slope):
    model.eval()
    model.slope = slope
    with paddle.no_grad():
        return model(x).flatten().tolist()


def main(folder):
    paddle.set_default_dtype('float64')
    paddle.seed(42)
    model = VanillaNet(**SIZES)
    draw(model)
    save = lambda state, name: paddle.save(state, str(folder / name))  # noqa: E731
    save(model.state_dict(), 'first.pdparams')

    x = paddle.uniform([BATCH, 3, SIDE, SIDE], min=-(3**0.5), max=3**0.5)
    targets = paddle.to_tensor([1, 3, 0, 4])
    values = {'x': x.flatten().tolist(), 'train': evaluated(model, x, 1.0)}

    deploy = VanillaNet(**SIZES)
    deploy.set_state_dict(model.state_dict())
    deploy.to_deploy()
    save(deploy.state_dict(), 'deploy.pdparams')
    values['deploy'] = evaluated(deploy, x, 1.0)

    schedule = paddle.optimizer.lr.CosineAnnealingDecay(learning_rate=RATE, T_max=T_MAX)
    optimizer = paddle.optimizer.Adam(
        parameters=model.parameters(), learning_rate=schedule, weight_decay=DECAY, epsilon=1e-8
    )
    model.train()
    model.slope = TRAIN_SLOPE
    steps = {'losses': [], 'logits': [], 'rates': []}
    for step in range(STEPS):
        logits = model(x)
        loss = smoothed_loss(logits, targets)
        loss.backward()
        if step == 0:
            save({name: value.grad for name, value in model.named_parameters()}, 'gradients.pdparams')
        steps['losses'].append(loss.item())
        steps['logits'].append(logits.flatten().tolist())
        steps['rates'].append(optimizer.get_lr())
        optimizer.step()
        schedule.step()
        optimizer.clear_grad()
    save(model.state_dict(), 'trained.pdparams')
    save(optimizer.state_dict(), 'trained.pdopt')
    values['trained'] = evaluated(model, x, TRAIN_SLOPE)

    sizes = dict(**SIZES, input_size=SIDE)
    recipe = dict(lambda_=TRAIN_SLOPE, smoothing=SMOOTHING, rate=RATE, decay=DECAY, t_max=T_MAX, targets=targets.tolist())
    (folder / 'article.json').write_text(json.dumps({'sizes': sizes, **recipe, **values, **steps}))


main(Path(sys.argv[1]))
