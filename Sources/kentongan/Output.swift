import Administration
import Bulletins
import Foundation

/// Prints results on stdout and complaints on stderr.
enum Output {
    static func jsonLine(_ object: JSONObject) { print(JSONWriter.text(.object(object))) }

    /// Puts a number before its noun, in the singular or the plural.
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// Prints one line on stderr.
    static func complain(_ text: String) {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        FileHandle.standardError.write(Data("kentongan: \(HiddenCharacters.escaped(line))\n".utf8))
    }

    /// Prints one line for people. Strangers wrote parts of it, so control and invisible characters are escaped.
    static func line(_ text: String) { print(HiddenCharacters.escaped(text)) }

    /// Prints a text that keeps its lines, escaped in the same way.
    static func lines(_ text: String) { print(HiddenCharacters.escapedLines(text)) }

    private static let mostFaults = 20

    /// Prints the first faults of a file on stderr, one line each, and the number of the others.
    static func complain(_ faults: [RowFault]) {
        for fault in faults.sorted(by: { $0.line < $1.line }).prefix(mostFaults) {
            complain("line \(fault.line): \(fault.reason)")
        }
        if faults.count > mostFaults { complain("and \(count(faults.count - mostFaults, "more row")) like these") }
    }
}

/// A file that a command was given, or standard input for `-`.
enum InputFile {
    /// More than a list of a million subscriptions. All of a file is in memory.
    private static let mostBytes = 256 << 20

    static func bytes(_ file: String) throws -> [UInt8] {
        let data = try read(try handle(file), named: file)
        guard data.count <= mostBytes else {
            throw OperationError.invalid("\(file) is larger than \(mostBytes >> 20) MiB; split it into several files")
        }
        return [UInt8](data)
    }

    private static func handle(_ file: String) throws -> FileHandle {
        if file == "-" { return .standardInput }
        guard let opened = FileHandle(forReadingAtPath: file) else {
            throw OperationError.invalid("\(file) cannot be read")
        }
        return opened
    }

    private static func read(_ handle: FileHandle, named file: String) throws -> Data {
        do {
            return try handle.read(upToCount: mostBytes + 1) ?? Data()
        } catch {
            throw OperationError.invalid("\(file) cannot be read")
        }
    }
}
