/* A service's folder, for it and administrators alone. */
#include "winaddon.h"

#include <aclapi.h>
#include <sddl.h>
#include <wchar.h>

enum {
  SID_CHARS_MAX = 256,
  RIGHTS_CHARS_MAX = 512,
  PATH_CHARS_MAX = 32768,
};

/* Administrators own it; they and the system may do all in it, nobody else anything. */
#define PRIVATE_FOLDER L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
/* But one more, who may read, write, run and delete: not change its rights. */
#define SHARED_FOLDER PRIVATE_FOLDER L"(A;OICI;0x1301bf;;;%ls)"

static bool is_this_user(PSID sid) {
  union {
    TOKEN_USER user;
    BYTE bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
  } about;
  DWORD length;
  const bool told = GetTokenInformation(GetCurrentProcessToken(), TokenUser, &about, sizeof about,
                                        &length);
  return told && EqualSid(sid, about.user.User.Sid);
}

/* Whether somebody who is no administrator made it: who owns a folder may change its rights again. */
static DWORD owner_error_of(const WCHAR *path) {
  PSID owner;
  PSECURITY_DESCRIPTOR about;
  const DWORD error = GetNamedSecurityInfoW(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION,
                                            &owner, NULL, NULL, NULL, &about);
  if (error != ERROR_SUCCESS) return error;
  const bool is_ours = IsWellKnownSid(owner, WinBuiltinAdministratorsSid) ||
                       IsWellKnownSid(owner, WinLocalSystemSid) || is_this_user(owner);
  LocalFree(about);
  return is_ours ? ERROR_SUCCESS : ERROR_INVALID_OWNER;
}

static DWORD make_private(const WCHAR *path, const WCHAR *also) {
  WCHAR rights[RIGHTS_CHARS_MAX] = PRIVATE_FOLDER;
  PSECURITY_DESCRIPTOR wanted;
  if (also[0] != 0) _snwprintf(rights, RIGHTS_CHARS_MAX, SHARED_FOLDER, also);
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(rights, SDDL_REVISION_1, &wanted,
                                                            NULL)) {
    return GetLastError();
  }
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, wanted, FALSE};
  DWORD error = CreateDirectoryW(path, &attributes) ? ERROR_SUCCESS : GetLastError();
  if (error == ERROR_ALREADY_EXISTS) {
    const DWORD kind = GetFileAttributesW(path);
    const bool is_folder = kind != INVALID_FILE_ATTRIBUTES && (kind & FILE_ATTRIBUTE_DIRECTORY) &&
                           !(kind & FILE_ATTRIBUTE_REPARSE_POINT);
    error = is_folder ? owner_error_of(path) : ERROR_DIRECTORY;
    if (error == ERROR_SUCCESS &&
        !SetFileSecurityW(path,
                          OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
                              PROTECTED_DACL_SECURITY_INFORMATION,
                          wanted)) {
      error = GetLastError();
    }
  }
  LocalFree(wanted);
  return error;
}

/* makePrivateFolder(path, sid): makes it, or takes one that an administrator has made; sid may be "". */
static napi_value make_private_folder(napi_env env, napi_callback_info info) {
  static WCHAR path[PATH_CHARS_MAX];
  WCHAR sid[SID_CHARS_MAX];
  napi_value arguments[2];
  arguments_of(env, info, arguments, 2);
  if (!text_of(env, arguments[0], path, PATH_CHARS_MAX)) return undefined(env);
  if (!text_of(env, arguments[1], sid, SID_CHARS_MAX)) return undefined(env);
  const DWORD error = make_private(path, sid);
  return error == ERROR_SUCCESS ? undefined(env) : throw_error(env, "the folder", error);
}

void add_folder(napi_env env, napi_value exports) {
  put_function(env, exports, "makePrivateFolder", make_private_folder);
}
