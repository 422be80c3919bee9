# SPDX-License-Identifier: MIT
# ruby_client.rb ADDRESS PORT - talk with ruby_server.rb by each of Ruby's ways to send
# and receive
require 'socket'
require 'timeout'

host = ARGV[0]
port = Integer(ARGV[1])
family = host.include?(':') ? 'AF_INET6' : 'AF_INET'

def check(what, said, expected)
  raise "#{what}: #{said.inspect}" unless said == expected
  puts "#{what}: #{said}"
end

Timeout.timeout(10) do
  socket = UDPSocket.new(family)
  socket.send('no port', 0, host, port)
  said, peer = socket.recvfrom(100)
  check('recvfrom', said, 'trop on')
  raise peer.inspect unless peer == [family, port, host, host]

  socket.connect(host, port)
  socket.send('connected', 0)
  check('recv', socket.recv(100), 'detcennoc')
  raise unless socket.remote_address.ip_port == port

  begin
    socket.recvfrom_nonblock(100)
  rescue IO::WaitReadable
    puts 'nothing there yet'
  end
  socket.write('written')
  IO.select([socket])
  check('recvfrom_nonblock', socket.recvfrom_nonblock(100)[0], 'nettirw')

  socket.sendmsg('a message')
  said, from, = socket.recvmsg
  check('recvmsg', said, 'egassem a')
  raise from.inspect unless from.ip_port == port

  socket.send('x' * 20_000 + 'y', 0)
  check('long', socket.readpartial(65_536)[0, 3], 'yxx')

  nobody = UDPSocket.new(family)
  nobody.connect(host, port + 1)
  nobody.send('anybody?', 0)
  begin
    nobody.recv(100)
  rescue Errno::ECONNREFUSED
    puts 'nobody there'
  end

  socket.send('end', 0)
  check('end', socket.recv(100), 'dne')
end
