import ArgumentParser
import Bulletins
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Runtime
import Storage
import Webhooks

/// `listen`: a small webhook receiver for trying webhooks out.
struct ListenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen", abstract: "Prints the webhooks that arrive on loopback, and checks their signatures.")

    @Option(help: "The port on 127.0.0.1.") var port = 9000
    @Option(help: "The webhook's secret whsec_... or public key whpk_...; without it signatures are not checked.")
    var secret: String?

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port must be from 1 to 65535") }
        if secret != nil, signature == nil {
            throw ValidationError("--secret must be whsec_ and the base64 of 24 to 64 bytes, or whpk_ and that of 32")
        }
    }

    private var signature: WebhookSignature? {
        secret.flatMap { WebhookSignature(secret: $0) ?? WebhookSignature(publicKey: $0) }
    }

    func run() async throws {
        let router = Router(context: BasicRequestContext.self)
        let signature = signature
        for path: RouterPath in ["/", "/**"] {
            router.post(path) { request, _ in
                let body = try await request.body.collect(upTo: 1 << 20)
                return Self.receive(request.headers, body, path: request.uri.path, signature)
            }
        }
        Output.line("listening on http://127.0.0.1:\(port)/")
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
            logger: Logger(label: "listen") { StreamLogHandler.standardError(label: $0) })
        try await application.runService()
    }

    /// Answers 204, echoes a challenge, or answers 401 if the signature is wrong or older than five minutes.
    private static func receive(_ headers: HTTPFields, _ body: ByteBuffer, path: String, _ signature: WebhookSignature?)
        -> Response
    {
        func header(_ name: String) -> String { HTTPField.Name(name).flatMap { headers[$0] } ?? "" }
        let (id, timestamp) = (header("webhook-id"), Int64(header("webhook-timestamp")) ?? 0)
        var verdict = "signature not checked"
        var isGood = true
        if let signature {
            let isFresh = abs(WallClock.system.now.seconds - timestamp) <= 300
            isGood =
                isFresh && signature.verifies(header("webhook-signature"), id: id, timestamp: timestamp, body: body)
            verdict = isGood ? "signature good" : "SIGNATURE WRONG"
        }
        Output.line("\(path)  \(id)  \(verdict)")
        Output.lines(String(buffer: body))
        guard isGood else { return Response(status: .unauthorized) }
        guard let challenge = challenge(in: body) else { return Response(status: .noContent) }
        return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: challenge)))
    }

    private static func challenge(in body: ByteBuffer) -> String? {
        let message = try? JSONParser.parse(Array(body.readableBytesView))
        guard message?["type"]?.stringValue == "endpoint.verification" else { return nil }
        return message?["data"]?["challenge"]?.stringValue
    }
}
