// SPDX-License-Identifier: MIT
// java_client.java - Client ADDRESS PORT: talk with Server by a DatagramSocket, not
// connected and connected, and by a DatagramChannel
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.charset.StandardCharsets;

class Client {
    private static InetSocketAddress server;

    private static void check(String what, Object said, Object expected) {
        if (!said.equals(expected))
            throw new AssertionError(what + ": " + said);
        System.out.println(what);
    }

    private static DatagramPacket packet(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new DatagramPacket(bytes, bytes.length);
    }

    private static String receive(DatagramSocket socket) throws Exception {
        DatagramPacket packet = new DatagramPacket(new byte[65536], 65536);
        socket.receive(packet);
        if (!packet.getSocketAddress().equals(server))
            throw new AssertionError(packet.getSocketAddress());
        return new String(packet.getData(), 0, packet.getLength(),
            StandardCharsets.UTF_8);
    }

    private static void unconnected() throws Exception {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(10000);
            DatagramPacket packet = packet("not connected");
            packet.setSocketAddress(server);
            socket.send(packet);
            check("not connected", receive(socket), "NOT CONNECTED");
        }
    }

    private static void connected() throws Exception {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(10000);
            socket.connect(server);
            for (int i = 0; i < 50; i++)
                socket.send(packet("number " + i));
            for (int i = 0; i < 50; i++)
                if (!receive(socket).equals("NUMBER " + i))
                    throw new AssertionError(i);
            System.out.println("connected: fifty at once");
            socket.send(packet("x".repeat(30000)));
            check("connected: long", receive(socket), "X".repeat(30000));
        }
    }

    private static void nobodyThere() throws Exception {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(10000);
            socket.connect(
                new InetSocketAddress(server.getAddress(), server.getPort() + 1));
            socket.send(packet("anybody?"));
            receive(socket);
        } catch (PortUnreachableException e) {
            System.out.println("nobody there");
        }
    }

    private static void channel() throws Exception {
        ByteBuffer buffer = ByteBuffer.allocate(100);
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.connect(server);
            ByteBuffer[] parts = { StandardCharsets.UTF_8.encode("two "),
                StandardCharsets.UTF_8.encode("parts") };
            channel.write(parts);
            channel.read(buffer);
            check("a channel", StandardCharsets.UTF_8.decode(buffer.flip()).toString(),
                "TWO PARTS");
            channel.disconnect();
            channel.send(StandardCharsets.UTF_8.encode("end"), server);
            buffer.clear();
            check("a sender", channel.receive(buffer), server);
            check("the end", StandardCharsets.UTF_8.decode(buffer.flip()).toString(),
                "END");
        }
    }

    public static void main(String[] args) throws Exception {
        server = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
        unconnected();
        nobodyThere();
        connected();
        channel();
    }
}
