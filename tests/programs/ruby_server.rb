# SPDX-License-Identifier: MIT
# ruby_server.rb ADDRESS PORT - answer each datagram with itself backwards,
# until "end"
require 'socket'

Socket.udp_server_sockets(ARGV[0], Integer(ARGV[1])) do |sockets|
  puts "sockets: #{sockets.size}"
  $stdout.flush
  Socket.udp_server_loop_on(sockets) do |message, source|
    source.reply(message.reverse)
    exit if message == 'end'
  end
end
