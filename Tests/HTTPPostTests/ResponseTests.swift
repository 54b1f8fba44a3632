import HTTPPost
import NIOCore
import Testing

extension Loopback {
    /// The parsing of good and malformed responses.
    @Suite struct ResponseTests {
        private func answer(_ text: String, close: Bool = false) async throws -> HTTPPostResponse {
            let steps: [ScriptedServer.Step] = [.send(text)] + (close ? [.close] : [])
            let server = try await ScriptedServer.start { _ in steps }
            var response = HTTPPostResponse(status: 0)
            try await withClient { (client) async throws in
                response = try await client.post(to: server)
            }
            try await server.stop()
            return response
        }

        @Test(arguments: [200, 204, 301, 302, 307, 400, 404, 410, 429, 500, 503])
        func statuses(_ status: Int) async throws {
            let length = status == 204 ? "" : "Content-Length: 0\r\n"
            #expect(try await answer("HTTP/1.1 \(status) X\r\n\(length)\r\n").status == status)
        }

        @Test(arguments: ["120", "Wed, 21 Oct 2099 07:28:00 GMT", "-1", "99999999999999999999"])
        func retryAfterIsPassedOn(_ value: String) async throws {
            let head = "HTTP/1.1 429 Slow\r\nretry-after: \(value)\r\nContent-Length: 0\r\n\r\n"
            #expect(try await answer(head).retryAfter == value)
        }

        @Test func lengthGiven() async throws {
            let response = try await answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            #expect(String(buffer: response.body) == "hello")
            #expect(response.retryAfter == nil)
        }

        @Test func chunked() async throws {
            let response = try await answer(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n")
            #expect(String(buffer: response.body) == "hello")
        }

        @Test func readToTheEndOfTheConnection() async throws {
            let response = try await answer("HTTP/1.1 200 OK\r\n\r\nhello", close: true)
            #expect(String(buffer: response.body) == "hello")
        }

        @Test func http10() async throws {
            let response = try await answer("HTTP/1.0 200 OK\r\n\r\nhello", close: true)
            #expect(response.status == 200)
            #expect(String(buffer: response.body) == "hello")
        }

        @Test func interimResponsesAreSkipped() async throws {
            let response = try await answer(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n"
                    + "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")
            #expect(response.status == 202)
        }

        @Test func interimResponsesWithoutEnd() async throws {
            let flood = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 100)
            await #expect { _ = try await answer(flood) } throws: { error in
                if case .badResponse = error as? HTTPPostError { true } else { false }
            }
        }

        @Test func gzipIsNotDecompressed() async throws {
            // A decompression bomb: a kilobyte of gzip that expands to a megabyte. The bytes must stay as they were
            // sent.
            let bomb: [UInt8] = [0x1F, 0x8B, 0x08] + Array(repeating: 0x00, count: 1000)
            let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1003\r\n\r\n"
            let steps: [ScriptedServer.Step] = [.send(head), .sendBytes(ByteBuffer(bytes: bomb))]
            let server = try await ScriptedServer.start { _ in steps }
            try await withClient { (client) async throws in
                let response = try await client.post(to: server)
                #expect(Array(response.body.readableBytesView) == bomb)
            }
            #expect(
                server.requests.allSatisfy { !$0.text.lowercased().contains("accept-encoding") })
            try await server.stop()
        }

        @Test(arguments: [16384, 16385, 5_000_000])
        func aHugeBodyIsBounded(_ length: Int) async throws {
            let body = ByteBuffer(repeating: 0x61, count: length)
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n"
            let server = try await ScriptedServer.start { _ in [.send(head), .sendBytes(body)] }
            try await withClient { (client) async throws in
                for _ in 0..<2 {
                    let response = try await client.post(to: server)
                    #expect(response.status == 200)
                    #expect(response.body.readableBytes == 16384)
                }
                #expect(server.connections == (length > 16384 ? 2 : 1))
            }
            try await server.stop()
        }

        @Test(arguments: [
            "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 999 X\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n",
            "HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 70_000) + "\r\n\r\n",
            "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 1000) + "\r\n",
        ])
        func noHTTP(_ text: String) async throws {
            await #expect { _ = try await answer(text) } throws: { error in
                if case .badResponse = error as? HTTPPostError { true } else { false }
            }
        }

        @Test(arguments: [
            "", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        ])
        func cutOff(_ text: String) async throws {
            await #expect(
                throws: HTTPPostError.connectionLost(host: "127.0.0.1", stage: .responding)
            ) { _ = try await answer(text, close: true) }
        }

        @Test func aChunkHeaderWithoutEnd() async throws {
            let endless = String(repeating: "x", count: 2_000_000)
            let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + endless
            await #expect { _ = try await answer(text) } throws: { error in
                if case .badResponse = error as? HTTPPostError { true } else { false }
            }
        }
    }
}
