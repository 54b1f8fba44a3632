import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Portal

/// The bounds of one connection, on a clock that the test advances.
struct ConnectionGuardTests {
    private struct Peer {
        let channel: EmbeddedChannel
        let connection: ConnectionGuard

        init(_ limits: ConnectionLimits = ConnectionLimits(), table: ConnectionTable = ConnectionTable(most: 8)) throws
        {
            connection = ConnectionGuard(limits: limits, table: table)
            let loop = EmbeddedEventLoop()
            // A time of zero would mean that nobody waits.
            loop.advanceTime(by: .seconds(1))
            channel = EmbeddedChannel(loop: loop)
            try channel.pipeline.syncOperations.addHandlers([
                connection, ByteToMessageHandler(HTTPRequestDecoder()),
                RequestGuard(connection: connection, limits: limits),
            ])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
        }

        func send(_ text: String) { _ = try? channel.writeInbound(ByteBuffer(string: text)) }

        func pass(_ time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

        /// The status of the answer that the guard gave instead of the server.
        var refusal: Int? {
            guard case .byteBuffer(let answer)? = try? channel.readOutbound(as: IOData.self) else { return nil }
            return Int(String(buffer: answer).split(separator: " ")[1])
        }

        /// The parts that passed the guard, one letter per part.
        var parts: String {
            var parts = ""
            while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
                switch part {
                case .head: parts += "h"
                case .body: parts += "b"
                case .end: parts += "e"
                }
            }
            return parts
        }
    }

    private static let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let halfPost = "POST /websub HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"

    @Test func aWholeRequestComesThrough() throws {
        let peer = try Peer()
        peer.send(Self.get)
        #expect(peer.parts == "he" && peer.refusal == nil && peer.channel.isActive)
    }

    @Test(arguments: [
        ("", 400), ("Host: a\r\nHost: a\r\n", 400), ("Host: a\r\nhOST: b\r\n", 400), ("Host: a, b\r\n", 400),
        ("Host: a/b\r\n", 400), ("Host: u@a\r\n", 400), ("Host: a\r\n", nil), ("Host: [::1]:8080\r\n", nil),
        ("Host:\r\n", nil),
    ])
    func aRequestHasOneHost(host: String, status: Int?) throws {
        let peer = try Peer()
        peer.send("GET /x HTTP/1.1\r\n\(host)\r\n")
        #expect(peer.refusal == status && peer.parts == (status == nil ? "he" : ""))
    }

    @Test(arguments: ["", "Host: a\r\n", "Connection: keep-alive\r\n"])
    func anOldRequestNeedsNoHostAndIsTheLast(headers: String) throws {
        let peer = try Peer()
        peer.send("GET /x HTTP/1.0\r\n\(headers)\r\n" + Self.get)
        #expect(peer.parts == "he" && peer.connection.answersLast)
    }

    @Test(arguments: ["close", "Close", "CLOSE", "keep-alive, close", "x,close ,y", "x\r\nConnection: clOse"])
    func aRequestThatAsksForItIsTheLast(connection: String) throws {
        let peer = try Peer()
        peer.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: \(connection)\r\n\r\n" + Self.get)
        #expect(peer.parts == "he" && peer.connection.answersLast)
        peer.connection.answered()
        peer.send(Self.get)
        #expect(peer.parts == "" && peer.channel.isActive)
        peer.pass(.seconds(3))
        #expect(!peer.channel.isActive)
    }

    @Test(arguments: ["keep-alive", "closed", "x-close"])
    func othersAreNot(connection: String) throws {
        let peer = try Peer()
        peer.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: \(connection)\r\n\r\n" + Self.get)
        #expect(peer.parts == "hehe" && !peer.connection.answersLast)
    }

    @Test(arguments: ["\0\0\0", "G ET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"])
    func whatIsNoRequestIsRefused(text: String) throws {
        let peer = try Peer()
        peer.send(text)
        #expect(peer.refusal == 400 && peer.parts == "")
    }

    // MARK: - Sizes

    @Test(arguments: [1, 1000, 100_000])
    func aHeadHasALongestForm(piece: Int) throws {
        let peer = try Peer()
        peer.send("GET /x HTTP/1.1\r\nHost: a\r\n")
        for number in 0..<(20_000 / min(piece, 1000)) where peer.channel.isActive {
            peer.send("x\(number): " + String(repeating: "y", count: piece) + "\r\n")
        }
        #expect(peer.refusal == 431 && peer.parts == "")
    }

    @Test func aWholeHeadInOnePieceIsMeasuredToo() throws {
        let peer = try Peer()
        peer.send("GET /\(String(repeating: "x", count: 17_000)) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(peer.refusal == 431 && peer.parts == "")
    }

    @Test func contentHasALargestSize() throws {
        let told = try Peer()
        told.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n")
        #expect(told.refusal == 413 && told.parts == "")
        let chunked = try Peer()
        chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<70 { chunked.send("400\r\n" + String(repeating: "x", count: 1024) + "\r\n") }
        #expect(chunked.refusal == 413)
        let marks = try Peer()
        marks.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<300 { marks.send("1;\(String(repeating: "x", count: 1000))\r\nx\r\n") }
        #expect(marks.refusal == 413)
    }

    // MARK: - Times

    @Test func whoSaysNothingIsLeft() throws {
        let peer = try Peer()
        peer.pass(.seconds(9))
        #expect(peer.channel.isActive)
        peer.pass(.seconds(2))
        #expect(!peer.channel.isActive && peer.refusal == nil)
    }

    @Test func aHeadInDropsHasItsTime() throws {
        let peer = try Peer()
        for _ in 0..<20 {
            peer.send("G")
            peer.pass(.seconds(1))
        }
        #expect(!peer.channel.isActive)
        let slow = try Peer()
        slow.send("GET / HTTP/1.1\r\n")
        slow.pass(.seconds(11))
        #expect(slow.refusal == 408)
    }

    @Test func contentHasItsTime() throws {
        let peer = try Peer()
        peer.send(Self.halfPost)
        peer.pass(.seconds(19))
        #expect(peer.channel.isActive && peer.refusal == nil)
        peer.pass(.seconds(2))
        #expect(peer.refusal == 408)
        peer.pass(.seconds(3))
        #expect(!peer.channel.isActive)
    }

    @Test func whoIsAnsweredMayRestForAWhile() throws {
        let peer = try Peer()
        peer.send(Self.get)
        peer.pass(.hours(1))
        #expect(peer.channel.isActive, "the peer waits for the server")
        peer.connection.answered()
        peer.pass(.seconds(59))
        #expect(peer.channel.isActive)
        peer.pass(.seconds(2))
        #expect(!peer.channel.isActive && peer.refusal == nil)
    }

    // MARK: - The server's stop

    @Test(arguments: [halfPost, "", "GET /x HT", halfPost + "defghij" + halfPost])
    func aStopWaitsForNoRequest(begun: String) throws {
        let peer = try Peer()
        peer.send(begun)
        if begun.contains("defghij") { peer.connection.answered() }
        peer.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        peer.pass(.seconds(2))
        #expect(!peer.channel.isActive)
    }

    @Test func aStopWaitsForAnAnswer() throws {
        let peer = try Peer()
        peer.send(Self.get)
        peer.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        peer.pass(.seconds(5))
        #expect(peer.channel.isActive)
        peer.pass(.seconds(6))
        #expect(!peer.channel.isActive)
    }

    // MARK: - Room

    @Test func theOneThatKeptTheServerWaitingMakesRoom() throws {
        let table = ConnectionTable(most: 3)
        let peers = try (0..<3).map { number in
            let peer = try Peer(table: table)
            if number == 0 { peer.send(Self.get) }
            if number == 1 { peer.send(Self.halfPost) }
            return peer
        }
        let next = try Peer(table: table)
        peers.forEach { $0.channel.embeddedEventLoop.run() }
        #expect(next.channel.isActive && table.count == 3)
        #expect(peers[0].channel.isActive, "it waits for the server")
        #expect(peers.filter(\.channel.isActive).count == 2)
    }

    @Test func noRoomIsSaid() throws {
        let table = ConnectionTable(most: 2)
        let peers = try (0..<2).map { _ in try Peer(table: table) }
        peers.forEach { $0.send(Self.get) }
        let next = try Peer(table: table)
        #expect(next.refusal == 503 && !next.channel.isActive && table.count == 2)
        peers.forEach { $0.connection.answered() }
        #expect(try Peer(table: table).channel.isActive)
    }
}
