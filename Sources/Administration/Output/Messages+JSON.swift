package import Bulletins
import Foundation
package import Storage

extension RejectedMessage {
    /// Everything but the body.
    package var json: JSONObject {
        [
            "id": .integer(number), "reason": .string(reason), "publisher": .optional(publisher),
            "bulletinId": .optional(bulletinID), "receivedAt": .time(receivedAt), "queue": .string(queue),
            "size": .integer(size), "requeuedAt": .time(requeuedAt), "errors": .array(errorValues),
            "routingKey": .string(envelope.routingKey), "userId": .optional(envelope.userID),
            "contentType": .optional(envelope.contentType), "contentEncoding": .optional(envelope.contentEncoding),
            "headers": .object(headers), "replyTo": .optional(envelope.replyTo),
            "correlationId": .optional(envelope.correlationID),
        ]
    }

    /// With the body as it came: in `body` if it is UTF-8, else in `bodyBase64`.
    package var jsonWithBody: JSONObject {
        var object = json
        if let text = String(validating: body, as: UTF8.self) {
            object["body"] = .string(text)
        } else {
            object["bodyBase64"] = .string(Data(body).base64EncodedString())
        }
        return object
    }

    /// The errors, each `{path, code, message}`.
    package var errorValues: [JSONValue] { (try? JSONParser.parse(Array(errors.utf8)))?.arrayValue ?? [] }

    private var headers: JSONObject {
        var object = envelope.otherHeaders
        for (name, text) in envelope.headers.sorted(by: { $0.key < $1.key }) { object[name] = .string(text) }
        return object
    }
}

extension DryRunResult {
    /// `unchecked` names all that the dry run could not look at.
    package func json(unchecked: [String]) -> JSONObject {
        switch outcome {
        case .rejected(let rejection):
            [
                "line": .number(bulletin.line), "id": bulletin.bulletin?["id"] ?? .null, "valid": false,
                "outcome": "refused", "reason": .string(rejection.reason.rawValue),
                "errors": .array(rejection.errors.map(\.json)), "unchecked": .texts(unchecked),
            ]
        case .accepted(let acceptance):
            [
                "line": .number(bulletin.line),
                "id": .string(acceptance?.accepted.bulletin.id.description ?? bulletin.name), "valid": true,
                "outcome": .string(acceptance?.outcome.name ?? "good"), "errors": [],
                "notes": .texts(acceptance?.accepted.notes ?? []),
                "endpoints": acceptance.map { .number($0.endpoints) } ?? .null,
                "reach": .array((acceptance?.reach ?? []).map { .object($0.json) }), "unchecked": .texts(unchecked),
            ]
        }
    }
}

extension RehearsedOutcome {
    /// The state that the bulletin would have, or the event of its receipt.
    fileprivate var name: String {
        switch self {
        case .accepted(let state): state.rawValue
        case .duplicate: "duplicate"
        case .rejected: "refused"
        }
    }
}

extension ReachCount {
    package var json: JSONObject {
        ["channel": .string(channel), "region": .string(region.code), "endpoints": .number(endpoints)]
    }
}
