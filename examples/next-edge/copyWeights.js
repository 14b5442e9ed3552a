/** Copies the package's weights to public/, where the route loads them from. On every system, unlike `cp`. */
const { copyFileSync } = require('node:fs');

copyFileSync('node_modules/vanillanet/models/vanillanet-cifar10.safetensors', 'public/net.safetensors');
