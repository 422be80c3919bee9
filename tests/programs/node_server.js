// SPDX-License-Identifier: MIT
// node_server.js ADDRESS PORT - answer each datagram with its size and what it says in
// capitals; "end" ends it
'use strict';
const dgram = require('dgram');

const [bound, port] = process.argv.slice(2);
const socket = dgram.createSocket(bound.includes(':') ? 'udp6' : 'udp4');
socket.on('message', (message, peer) => {
    const answer = [`${peer.size}:`, message.toString().toUpperCase()];
    socket.send(answer, peer.port, peer.address, () => {
        if (message.toString() === 'end')
            socket.close(() => console.log('closed'));
    });
});
socket.bind(Number(port), bound, () => {
    const { address, port, family } = socket.address();
    console.log(`${family} ${address} ${port}`);
});
