import Foundation
import Glibc

/// Finds the process that holds a lock on a file, in the kernel's list of locks.
enum LockHolder {
    /// `process 4711 (kentongan)`; nil if the kernel names none, which it does not for a process in another container.
    static func name(ofAny paths: [String]) -> String? {
        let files = Set(paths.compactMap(inode))
        // The list changes while it is read, so that a line may be missed.
        for _ in 0..<5 {
            if let name = look(files) { return name }
            usleep(2000)
        }
        return nil
    }

    private static func look(_ files: Set<UInt64>) -> String? {
        guard let list = FileManager.default.contents(atPath: "/proc/locks") else { return nil }
        for line in String(decoding: list, as: UTF8.self).split(separator: "\n") {
            // `3: POSIX  ADVISORY  WRITE 4711 08:01:1234 120 120`. A waiting process has an arrow before the kind.
            let words = line.split(separator: " ")
            guard words.count >= 8, words[3] == "WRITE", let process = Int32(words[4]), process > 0,
                process != getpid(), let inode = words[5].split(separator: ":").last.flatMap({ UInt64($0) }),
                files.contains(inode)
            else { continue }
            return "process \(process)\(program(process))"
        }
        return nil
    }

    private static func inode(_ path: String) -> UInt64? {
        var found = stat()
        return stat(path, &found) == 0 ? UInt64(found.st_ino) : nil
    }

    /// The program's name in brackets, reduced to plain letters, since it goes into the log.
    private static func program(_ process: Int32) -> String {
        guard let name = FileManager.default.contents(atPath: "/proc/\(process)/comm") else { return "" }
        let plain = String(decoding: name, as: UTF8.self).filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))
        }
        return plain.isEmpty ? "" : " (\(plain))"
    }
}
