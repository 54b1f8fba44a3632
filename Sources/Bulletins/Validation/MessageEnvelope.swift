/// How a bulletin lies in a message: plain JSON, or CloudEvents 1.0 structured or binary.
///
/// There is no official CloudEvents binding for AMQP 0-9-1; the header prefixes `cloudEvents:`,
/// `cloudEvents_` and `ce-` are those that the SDKs in use write.
public struct MessageEnvelope: Sendable {
    /// The content type with its parameters; nil if the message has none.
    public var contentType: String?
    public var contentEncoding: String?
    /// The headers that are texts.
    public var headers: [String: String]

    public init(contentType: String?, contentEncoding: String?, headers: [String: String]) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.headers = headers
    }

    static let types = ["id.kentongan.announcement.v1": "announcement", "id.kentongan.proposal.v1": "proposal"]

    /// The bulletin's JSON, with `id` and `publisher` taken from the event where it lacks them.
    public func open(_ body: [UInt8]) -> Result<JSONValue, Refusal> {
        if let contentEncoding, !["", "utf-8", "utf8", "identity", "us-ascii"].contains(contentEncoding.lowercased()) {
            return .failure(
                Refusal(
                    BulletinError(
                        "", .unsupportedEncoding,
                        "content encoding \(contentEncoding) is not supported; send UTF-8 JSON as it is")))
        }
        let mediaType = mediaType
        guard ["", "application/json", "application/cloudevents+json"].contains(mediaType) else {
            return .failure(
                Refusal(
                    BulletinError(
                        "", .unsupportedEncoding,
                        "content type \(mediaType) is not supported; send application/json or application/cloudevents+json"
                    )))
        }
        let value: JSONValue
        do throws(JSONParser.Failure) {
            value = try JSONParser.parse(body)
        } catch {
            return .failure(
                Refusal(BulletinError("", .malformedJSON, "not JSON at byte \(error.offset): \(error.problem)")))
        }
        if mediaType == "application/cloudevents+json" { return Self.structured(value) }
        let attributes = cloudEventAttributes
        guard attributes["specversion"] != nil || attributes["type"] != nil else { return .success(value) }
        return Self.merge(
            value, id: attributes["id"], source: attributes["source"], type: attributes["type"],
            version: attributes["specversion"], at: "")
    }

    private var mediaType: String {
        let text = contentType ?? ""
        let end = text.firstIndex(of: ";") ?? text.endIndex
        return text[..<end].lowercased().split(separator: " ").joined()
    }

    private var cloudEventAttributes: [String: String] {
        var found: [String: String] = [:]
        for (name, value) in headers {
            for prefix in ["cloudEvents:", "cloudEvents_", "ce-"] where name.lowercased().hasPrefix(prefix.lowercased())
            {
                found[String(name.dropFirst(prefix.count)).lowercased()] = value
            }
        }
        return found
    }

    private static func structured(_ event: JSONValue) -> Result<JSONValue, Refusal> {
        guard case .object(let object) = event else {
            return .failure(Refusal(BulletinError("", .schema, "a CloudEvent is a JSON object")))
        }
        guard let data = object["data"] else {
            return .failure(Refusal(BulletinError("/data", .schema, "data is missing; it holds the bulletin")))
        }
        return merge(
            data, id: object["id"]?.stringValue, source: object["source"]?.stringValue,
            type: object["type"]?.stringValue, version: object["specversion"]?.stringValue, at: "/type")
    }

    private static func merge(
        _ data: JSONValue, id: String?, source: String?, type: String?, version: String?, at path: String
    ) -> Result<JSONValue, Refusal> {
        guard let type, let kind = types[type] else {
            return .failure(
                Refusal(
                    BulletinError(
                        path, .schema,
                        "the CloudEvents type must be one of \(types.keys.sorted().joined(separator: ", "))")))
        }
        guard version == "1.0" else {
            let problem =
                version.map { "CloudEvents \($0) is not supported; send 1.0" } ?? "specversion is missing; send 1.0"
            return .failure(Refusal(BulletinError("/specversion", .schema, problem)))
        }
        guard case .object(var object) = data else { return .success(data) }
        if object["id"] == nil { object.set("id", id) }
        if object["publisher"] == nil { object.set("publisher", source?.split(separator: "/").last.map(String.init)) }
        if let said = object["kind"]?.stringValue, said != kind {
            return .failure(
                Refusal(BulletinError(path, .schema, "the CloudEvents type \(type) contradicts the kind \(said)")))
        }
        if object["kind"] == nil { object["kind"] = .string(kind) }
        return .success(.object(object))
    }
}
