/// The envelope of a bulletin: plain JSON, or a CloudEvent 1.0 in structured or binary mode.
///
/// A structured event contains the bulletin in its member `data`. A binary event is the bulletin itself, with the
/// attributes of the event in the message headers.
///
/// CloudEvents has no official binding for AMQP 0-9-1. The header prefixes `cloudEvents:`, `cloudEvents_` and `ce-` are
/// those that the common SDKs write.
public struct MessageEnvelope: Sendable {
    /// The content type, including its parameters; nil if the message has none.
    public var contentType: String?
    public var contentEncoding: String?
    /// The headers whose values are texts.
    public var headers: [String: String]

    public init(contentType: String?, contentEncoding: String?, headers: [String: String]) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.headers = headers
    }

    static let types = ["id.kentongan.announcement.v1": "announcement", "id.kentongan.proposal.v1": "proposal"]

    /// Extracts the bulletin's JSON. If it lacks `id` or `publisher`, these come from the event.
    public func open(_ body: [UInt8]) -> Result<JSONValue, Rejection> {
        if let contentEncoding, !["", "utf-8", "utf8", "identity", "us-ascii"].contains(contentEncoding.lowercased()) {
            let problem = "content encoding \(contentEncoding) is not supported; send uncompressed UTF-8 JSON"
            return Self.failure(.unsupportedEncoding, problem)
        }
        let mediaType = mediaType
        guard ["", "application/json", "application/cloudevents+json"].contains(mediaType) else {
            let types = "application/json or application/cloudevents+json"
            return Self.failure(
                .unsupportedEncoding, "content type \(mediaType) is not supported; send \(types)")
        }
        let value: JSONValue
        do throws(JSONParser.Failure) {
            value = try JSONParser.parse(body)
        } catch {
            return Self.failure(.malformedJSON, "not JSON at byte \(error.offset): \(error.problem)")
        }
        if mediaType == "application/cloudevents+json" { return Self.structured(value) }
        return cloudEventAttributes().flatMap { attributes in
            guard attributes["specversion"] != nil || attributes["type"] != nil else { return .success(value) }
            return Self.merge(value, attributes, at: "")
        }
    }

    private var mediaType: String {
        let text = contentType ?? ""
        let end = text.firstIndex(of: ";") ?? text.endIndex
        var type = text[..<end]
        while let last = type.last, last == " " || last == "\t" { type.removeLast() }
        return String(type.drop { $0 == " " || $0 == "\t" }).lowercased()
    }

    /// The name of the CloudEvents attribute in a header; nil for any other header.
    public static func attribute(_ header: String) -> String? {
        let name = header.lowercased()
        return ["cloudevents:", "cloudevents_", "ce-"].first { name.hasPrefix($0) }.map {
            String(name.dropFirst($0.count))
        }
    }

    /// Collects the attributes. Fails if two headers give the same attribute different values.
    private func cloudEventAttributes() -> Result<[String: String], Rejection> {
        var found: [String: String] = [:]
        for (header, value) in headers {
            guard let name = Self.attribute(header) else { continue }
            guard found.updateValue(value, forKey: name) ?? value == value else {
                let problem = "two headers give the CloudEvents attribute \(name.prefix(40)) different values"
                return Self.failure(.schema, problem)
            }
        }
        return .success(found)
    }

    private static func structured(_ event: JSONValue) -> Result<JSONValue, Rejection> {
        guard case .object(let object) = event else {
            return failure(.schema, "a CloudEvent is a JSON object")
        }
        guard let data = object["data"] else {
            return failure(.schema, "data is missing; it contains the bulletin", at: "/data")
        }
        if object["data_base64"] != nil {
            return failure(.schema, "a CloudEvent has data or data_base64, not both", at: "/data_base64")
        }
        var attributes: [String: String] = [:]
        for name in ["specversion", "id", "source", "type"] { attributes[name] = object[name]?.stringValue }
        return merge(data, attributes, at: "/")
    }

    /// Merges the attributes into the bulletin. The required ones (CloudEvents 1.0, Required Attributes) are checked
    /// even if the bulletin does not need them.
    private static func merge(_ data: JSONValue, _ attributes: [String: String], at path: String)
        -> Result<JSONValue, Rejection>
    {
        func rejected(_ name: String, _ problem: String) -> Result<JSONValue, Rejection> {
            failure(.schema, problem, at: path.isEmpty ? "" : path + name)
        }
        guard let type = attributes["type"], let kind = types[type] else {
            return rejected(
                "type", "the CloudEvents type must be one of \(types.keys.sorted().joined(separator: ", "))")
        }
        guard attributes["specversion"] == "1.0" else {
            return rejected("specversion", "the CloudEvents specversion must be 1.0")
        }
        guard let id = attributes["id"], !id.isEmpty else { return rejected("id", "a CloudEvent needs an id") }
        guard let source = attributes["source"], !source.isEmpty else {
            return rejected("source", "a CloudEvent needs a source")
        }
        guard case .object(var object) = data else { return .success(data) }
        if let declared = object["kind"]?.stringValue, declared != kind {
            return rejected("type", "the CloudEvents type \(type) contradicts the bulletin's kind")
        }
        if object["id"] == nil { object["id"] = .string(id) }
        if object["publisher"] == nil { object.set("publisher", lastSegment(ofPathIn: source)) }
        if object["kind"] == nil { object["kind"] = .string(kind) }
        return .success(.object(object))
    }

    /// The last path segment of a URI reference (RFC 3986, section 3.3). The path excludes the host and the query.
    private static func lastSegment(ofPathIn source: String) -> String? {
        var rest = Substring(source).prefix { $0 != "?" && $0 != "#" }
        if let colon = rest.firstIndex(of: ":"), !rest[..<colon].contains("/") {
            rest = rest[rest.index(after: colon)...]
        }
        if rest.hasPrefix("//") { rest = rest.dropFirst(2).drop { $0 != "/" } }
        return rest.split(separator: "/").last.map(String.init)
    }

    private static func failure<Value>(
        _ reason: RejectionReason, _ problem: String, at path: String = ""
    ) -> Result<Value, Rejection> {
        .failure(Rejection(BulletinError(path, reason, problem)))
    }
}
