import Testing

@testable import AMQP

@Suite struct BrokerSettingsTests {
    @Test func readsEveryComponent() throws {
        let settings = try BrokerSettings(
            url: "amqps://us%40er:p%2Fw@one:5000,two,[::1]:5001/a%2Fb?heartbeat=7&cacertfile=/ca")
        #expect(settings.username == "us@er")
        #expect(settings.password == "p/w")
        #expect(
            settings.addresses == [
                BrokerAddress(host: "one", port: 5000), BrokerAddress(host: "two", port: 5671),
                BrokerAddress(host: "::1", port: 5001),
            ])
        #expect(settings.virtualHost == "a/b")
        #expect(settings.heartbeat == .seconds(7))
        #expect(settings.tls?.caFile == "/ca")
    }

    @Test(arguments: ["amqp://host", "amqp://host/", "amqp://host/%2f", "amqp://host/%2F"])
    func defaults(url: String) throws {
        let settings = try BrokerSettings(url: url)
        #expect(settings.virtualHost == "/")
        #expect(settings.username == "guest")
        #expect(settings.password == "guest")
        #expect(settings.addresses == [BrokerAddress(host: "host", port: 5672)])
        #expect(settings.tls == nil)
    }

    @Test(arguments: [
        "http://u:secret@h", "amqp://", "amqp://u:secret@", "amqp://u:sec/ret@h", "amqp://h:70000",
        "amqp://u:secret%2@h", "amqp://u:secret%zz@h", "amqp://h/a/b", "amqp://h?secret=1",
        "amqp://h,,i", "amqp://h?heartbeat=0", "amqp://u:secret%00@h",
    ])
    func errorsDoNotQuoteTheURL(url: String) {
        let error = #expect(throws: AMQPError.self) { try BrokerSettings(url: url) }
        #expect(error.map { !"\($0)".contains("sec") } ?? false)
    }

    @Test func neverShowsThePassword() throws {
        let settings = try BrokerSettings(url: "amqp://user:sesame@host/vhost")
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped] {
            #expect(!text.contains("sesame"))
            #expect(text.contains("user@host:5672/vhost"))
        }
    }

    @Test func backsOffUpToTheLimit() {
        var backoff = Backoff()
        var waits: [Duration] = []
        for _ in 0..<12 { waits.append(backoff.next()) }
        #expect(waits[0] >= .milliseconds(500) && waits[0] <= .seconds(1))
        #expect(waits.allSatisfy { $0 >= .milliseconds(500) && $0 <= .seconds(30) })
        #expect(waits[11] >= .seconds(15))
        backoff.reset()
        #expect(backoff.next() <= .seconds(1))
    }
}
