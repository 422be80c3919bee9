// SPDX-License-Identifier: MIT
// node_server.js PORT - answer each datagram with its size and what it says in
// capitals; "end" ends it
'use strict';
const dgram = require('dgram');

const socket = dgram.createSocket('udp4');
socket.on('message', (message, peer) => {
    const answer = [`${peer.size}:`, message.toString().toUpperCase()];
    socket.send(answer, peer.port, peer.address, () => {
        if (message.toString() === 'end')
            socket.close(() => console.log('closed'));
    });
});
socket.bind(Number(process.argv[2]), '127.0.0.1', () => {
    const { address, port, family } = socket.address();
    console.log(`${family} ${address} ${port}`);
});
