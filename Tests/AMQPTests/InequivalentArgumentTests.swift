import Testing

@testable import AMQP

@Suite struct InequivalentArgumentTests {
    @Test func readsErrorTextsOfRabbitMQ() throws {
        let short = try #require(
            InequivalentArgument(
                "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'x' in vhost "
                    + "'/': received '5' but current is '3'"))
        #expect(
            short.error
                == .topologyMismatch(
                    object: "queue 'x'", argument: "x-delivery-limit", wanted: "5", found: "3"))
        let long = try #require(
            InequivalentArgument(
                "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'a b' in vhost 'v':"
                    + " received none but current is the value '7' of type 'signedint'"))
        #expect(long.object == "queue 'a b'")
        #expect(long.wanted == "none")
        #expect(long.found == "7")
        #expect(InequivalentArgument("PRECONDITION_FAILED - something else") == nil)
    }
}
