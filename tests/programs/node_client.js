// SPDX-License-Identifier: MIT
// node_client.js ADDRESS PORT - talk with node_server.js from a socket that is not
// connected, then from one that is, one by one and many at once
'use strict';
const assert = require('assert');
const dgram = require('dgram');
const { once } = require('events');
const { promisify } = require('util');

const host = process.argv[2];
const port = Number(process.argv[3]);
const [type, family] = host.includes(':') ? ['udp6', 'IPv6'] : ['udp4', 'IPv4'];

async function unconnected() {
    const socket = dgram.createSocket(type);
    socket.send('from no port', port, host);
    const [answer, peer] = await once(socket, 'message');
    assert.deepStrictEqual([peer.address, peer.port, peer.family],
        [host, port, family]);
    console.log(`unconnected: ${answer}`);
    assert.throws(() => socket.remoteAddress());
    socket.close();
}

async function connected() {
    const socket = dgram.createSocket(type);
    await promisify(socket.connect.bind(socket))(port, host);
    assert.strictEqual(socket.remoteAddress().port, port);
    socket.send(['two', ' parts']);
    console.log(`connected: ${(await once(socket, 'message'))[0]}`);
    await manyAtOnce(socket, 60);
    const large = Buffer.alloc(40000, 'x');
    socket.send(large);
    const [answer] = await once(socket, 'message');
    assert.strictEqual(answer.toString(), `40000:${'X'.repeat(40000)}`);
    socket.disconnect();
    assert.throws(() => socket.remoteAddress());
    socket.send('end', port, host);
    console.log(`disconnected: ${(await once(socket, 'message'))[0]}`);
    socket.close();
}

// On loopback none is lost, and all come in order.
async function manyAtOnce(socket, n) {
    const answers = [];
    const all = new Promise((resolve) => {
        socket.on('message', (answer) => {
            if (answers.push(answer.toString()) === n)
                resolve();
        });
    });
    for (let i = 0; i < n; i++)
        socket.send(`number ${i}`);
    await all;
    socket.removeAllListeners('message');
    answers.forEach((answer, i) => {
        assert.strictEqual(answer, `${`number ${i}`.length}:NUMBER ${i}`);
    });
    console.log(`at once: ${answers.length}`);
}

async function nobodyThere() {
    const socket = dgram.createSocket(type);
    await promisify(socket.connect.bind(socket))(port + 1, host);
    socket.send('anybody?');
    const [error] = await once(socket, 'error');
    console.log(`nobody there: ${error.code}`);
    socket.close();
}

unconnected().then(nobodyThere).then(connected);
