internal import Foundation

/// The client's side of one AUTH (RFC 4954 section 4): what goes with the command, and what answers each challenge.
struct SASLClient: Sendable {
    private enum State {
        /// What is still to be said, whatever is asked.
        case answers([String])
        case scram(SCRAMClient)
    }

    /// Nil if the first answer waits for a challenge.
    let command: String
    private var state: State

    /// `nonce` is for SCRAM alone, printable ASCII without a comma.
    init(_ authentication: SMTPAuthentication, username: String, password: String, nonce: String) {
        let initial: String?
        switch authentication {
        case .plain:
            initial = Data("\0\(username)\0\(password)".utf8).base64EncodedString()
            state = .answers([])
        case .login:
            initial = nil
            state = .answers([username, password])
        case .xoauth2:
            initial = Data("user=\(username)\u{1}auth=Bearer \(password)\u{1}\u{1}".utf8).base64EncodedString()
            // A token that is not taken is answered by a challenge that explains why; the relay then waits for a line.
            state = .answers([""])
        case .scramSHA256:
            let client = SCRAMClient(username: username, password: password, nonce: nonce)
            initial = Data(client.first.utf8).base64EncodedString()
            state = .scram(client)
        }
        command = "AUTH \(authentication.mechanism)" + (initial.map { " " + $0 } ?? "")
    }

    /// The answer to a challenge, both as they stand in the line; nil if the relay asks for more than the mechanism has, or
    /// proves to be another.
    mutating func answer(_ challenge: String) -> String? {
        switch state {
        case .answers(var answers):
            guard !answers.isEmpty else { return nil }
            let answer = answers.removeFirst()
            state = .answers(answers)
            return Data(answer.utf8).base64EncodedString()
        case .scram(var client):
            guard let bytes = Data(base64Encoded: challenge),
                let answer = client.answer(String(decoding: bytes, as: UTF8.self))
            else { return nil }
            state = .scram(client)
            return Data(answer.utf8).base64EncodedString()
        }
    }

    /// Whether the relay may say now that the client is who it says: with SCRAM it has to prove first that it knows the
    /// password as well.
    var isSatisfied: Bool {
        switch state {
        case .answers: true
        case .scram(let client): client.isServerProven
        }
    }
}
