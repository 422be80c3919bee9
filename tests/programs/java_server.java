// SPDX-License-Identifier: MIT
// java_server.java - Server ADDRESS PORT: answer each datagram in capitals, by a
// channel that a selector waits for; "end" ends it
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;

class Server {
    private static boolean answer(DatagramChannel channel) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(65536);
        SocketAddress peer;
        while ((peer = channel.receive(buffer)) != null) {
            String text =
                StandardCharsets.UTF_8.decode(buffer.flip()).toString();
            channel.send(StandardCharsets.UTF_8.encode(text.toUpperCase()), peer);
            if (text.equals("end"))
                return false;
            buffer.clear();
        }
        return true;
    }

    public static void main(String[] args) throws Exception {
        try (Selector selector = Selector.open();
                DatagramChannel channel = DatagramChannel.open()) {
            channel.bind(new InetSocketAddress(args[0], Integer.parseInt(args[1])));
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_READ);
            do {
                selector.select();
                selector.selectedKeys().clear();
            } while (answer(channel));
        }
        System.out.println("closed");
    }
}
