/*
 * The service as an administrator handles it: installing, starting, stopping and removing it with
 * the service control manager, and its source in the event log.
 */
#include "winaddon.h"

#include <wchar.h>

enum {
  NAME_CHARS_MAX = 257,
  /* Of a command line. */
  LONG_CHARS_MAX = 32768,
  RESTART_SOON_MS = 5 * 1000,
  RESTART_LATER_MS = 60 * 1000,
  /* So long without a failure, and the next one counts as the first again. */
  FORGIVE_S = 60 * 60,
  /*
   * What a machine that shuts down waits: the service ends itself after 30 s (run.ts), and its
   * process 5 s later. Windows 10 and later wait 10 s by themselves.
   */
  PRESHUTDOWN_MS_MAX = 35 * 1000,
};

/* Closes and clears a handle of the SCM; the error that was last stays. */
static void close_service(SC_HANDLE handle) {
  const DWORD error = GetLastError();
  if (handle != NULL) CloseServiceHandle(handle);
  SetLastError(error);
}

/* NULL with GetLastError() when it is not there or may not be had. */
static SC_HANDLE open_service(const WCHAR *name, DWORD access) {
  const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
  if (manager == NULL) return NULL;
  const SC_HANDLE service = OpenServiceW(manager, name, access);
  close_service(manager);
  return service;
}

/* mayChangeServices(): whether this user is an administrator with all rights. */
static napi_value may_change_services(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
  if (manager == NULL && GetLastError() != ERROR_ACCESS_DENIED) {
    return throw_error(env, "OpenSCManager", GetLastError());
  }
  napi_get_boolean(env, manager != NULL, &result);
  close_service(manager);
  return result;
}

static bool restart_when_it_fails(SC_HANDLE service) {
  SC_ACTION actions[] = {{SC_ACTION_RESTART, RESTART_SOON_MS},
                         {SC_ACTION_RESTART, RESTART_SOON_MS},
                         {SC_ACTION_RESTART, RESTART_LATER_MS}};
  SERVICE_FAILURE_ACTIONSW failure = {
      .dwResetPeriod = FORGIVE_S, .cActions = 3, .lpsaActions = actions};
  /* Also when it said STOPPED with an exit code, not only when it crashed. */
  SERVICE_FAILURE_ACTIONS_FLAG flag = {.fFailureActionsOnNonCrashFailures = TRUE};
  return ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure) &&
         ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &flag);
}

typedef struct {
  WCHAR name[NAME_CHARS_MAX];
  WCHAR display_name[NAME_CHARS_MAX];
  /* "" is the system itself. */
  WCHAR account[NAME_CHARS_MAX];
  WCHAR command[LONG_CHARS_MAX];
} wanted_service;

enum { CONFIG_ACCESS = SERVICE_CHANGE_CONFIG | SERVICE_START };

/* One that is there becomes what is wanted; NULL with GetLastError() when it cannot. */
static SC_HANDLE change_service(SC_HANDLE manager, const wanted_service *wanted) {
  const bool is_system = wanted->account[0] == 0;
  const SC_HANDLE service = OpenServiceW(manager, wanted->name, CONFIG_ACCESS);
  if (service == NULL) return NULL;
  /* NULL leaves the account as it was. Windows keeps no password of either: the system's is "", and
     of an account that it has made up none may be said. */
  if (ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                           SERVICE_ERROR_NORMAL, wanted->command, NULL, NULL, NULL,
                           is_system ? L"LocalSystem" : wanted->account, is_system ? L"" : NULL,
                           wanted->display_name)) {
    return service;
  }
  close_service(service);
  return NULL;
}

/* NULL with GetLastError() when it cannot be. */
static SC_HANDLE create_or_change_service(SC_HANDLE manager, const wanted_service *wanted) {
  const SC_HANDLE service = CreateServiceW(
      manager, wanted->name, wanted->display_name, CONFIG_ACCESS, SERVICE_WIN32_OWN_PROCESS,
      SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, wanted->command, NULL, NULL, NULL,
      wanted->account[0] == 0 ? NULL : wanted->account, NULL);
  if (service != NULL || GetLastError() != ERROR_SERVICE_EXISTS) return service;
  return change_service(manager, wanted);
}

static bool wait_for_its_stop(SC_HANDLE service) {
  SERVICE_PRESHUTDOWN_INFO wait = {PRESHUTDOWN_MS_MAX};
  return ChangeServiceConfig2W(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &wait);
}

/*
 * installService(name, displayName, description, commandLine, account): starts with the machine; one
 * that is there is changed; account "" is the system itself. Returns {described, restarts, awaited}:
 * what Windows took of that which a service works without.
 */
static napi_value install_service(napi_env env, napi_callback_info info) {
  static wanted_service wanted;
  WCHAR description[NAME_CHARS_MAX];
  napi_value arguments[5], result;
  arguments_of(env, info, arguments, 5);
  if (!text_of(env, arguments[0], wanted.name, NAME_CHARS_MAX) ||
      !text_of(env, arguments[1], wanted.display_name, NAME_CHARS_MAX) ||
      !text_of(env, arguments[2], description, NAME_CHARS_MAX) ||
      !text_of(env, arguments[3], wanted.command, LONG_CHARS_MAX) ||
      !text_of(env, arguments[4], wanted.account, NAME_CHARS_MAX)) {
    return undefined(env);
  }
  const SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
  if (manager == NULL) return throw_error(env, "OpenSCManager", GetLastError());
  const SC_HANDLE service = create_or_change_service(manager, &wanted);
  close_service(manager);
  if (service == NULL) {
    return throw_error(env, "CreateService or ChangeServiceConfig", GetLastError());
  }
  SERVICE_DESCRIPTIONW text = {description};
  napi_create_object(env, &result);
  put_flag(env, result, "described",
           ChangeServiceConfig2W(service, SERVICE_CONFIG_DESCRIPTION, &text));
  put_flag(env, result, "restarts", restart_when_it_fails(service));
  put_flag(env, result, "awaited", wait_for_its_stop(service));
  close_service(service);
  return result;
}

/* removeService(name): it is gone once it is stopped and nobody looks at it any more. */
static napi_value remove_service(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, DELETE);
  const bool removed = service != NULL && DeleteService(service);
  close_service(service);
  return removed ? undefined(env) : throw_error(env, "DeleteService", GetLastError());
}

/* startService(name): comes back before it runs. */
static napi_value start_service(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, SERVICE_START);
  const bool started = service != NULL && StartServiceW(service, 0, NULL);
  close_service(service);
  return started ? undefined(env) : throw_error(env, "StartService", GetLastError());
}

/* stopService(name): comes back before it has stopped. */
static napi_value stop_service(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  SERVICE_STATUS status;
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, SERVICE_STOP);
  const bool asked = service != NULL && ControlService(service, SERVICE_CONTROL_STOP, &status);
  close_service(service);
  return asked ? undefined(env) : throw_error(env, "ControlService", GetLastError());
}

/* serviceStatus(name) → {state, pid, error, exitCode}, numbers as Windows has them. */
static napi_value service_status(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX];
  SERVICE_STATUS_PROCESS status;
  DWORD needed;
  napi_value argument, result;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  const SC_HANDLE service = open_service(name, SERVICE_QUERY_STATUS);
  const bool told =
      service != NULL && QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status,
                                              sizeof status, &needed);
  close_service(service);
  if (!told) return throw_error(env, "QueryServiceStatus", GetLastError());
  napi_create_object(env, &result);
  put_number(env, result, "state", status.dwCurrentState);
  put_number(env, result, "pid", status.dwProcessId);
  put_number(env, result, "error", status.dwWin32ExitCode);
  put_number(env, result, "exitCode", status.dwServiceSpecificExitCode);
  return result;
}

static const WCHAR EVENT_SOURCES[] =
    L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\%ls";
/* Its message 1 is the text itself, in every Windows. */
static const WCHAR EVENT_MESSAGES[] = L"%SystemRoot%\\System32\\EventCreate.exe";

static void event_key_of(const WCHAR *name, WCHAR *key) {
  _snwprintf(key, NAME_CHARS_MAX * 2, EVENT_SOURCES, name);
}

/* addEventSource(name) */
static napi_value add_event_source(napi_env env, napi_callback_info info) {
  const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
  WCHAR name[NAME_CHARS_MAX], key[NAME_CHARS_MAX * 2];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  event_key_of(name, key);
  LSTATUS error = RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"EventMessageFile", REG_EXPAND_SZ,
                                  EVENT_MESSAGES, sizeof EVENT_MESSAGES);
  if (error == ERROR_SUCCESS) {
    error = RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, L"TypesSupported", REG_DWORD, &types,
                            sizeof types);
  }
  if (error != ERROR_SUCCESS) return throw_error(env, "RegSetKeyValue", error);
  return undefined(env);
}

/* removeEventSource(name): none there is as good. */
static napi_value remove_event_source(napi_env env, napi_callback_info info) {
  WCHAR name[NAME_CHARS_MAX], key[NAME_CHARS_MAX * 2];
  napi_value argument;
  arguments_of(env, info, &argument, 1);
  if (!text_of(env, argument, name, NAME_CHARS_MAX)) return undefined(env);
  event_key_of(name, key);
  const LSTATUS error = RegDeleteKeyW(HKEY_LOCAL_MACHINE, key);
  if (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND) return undefined(env);
  return throw_error(env, "RegDeleteKey", error);
}

void add_service_manager(napi_env env, napi_value exports) {
  put_function(env, exports, "mayChangeServices", may_change_services);
  put_function(env, exports, "installService", install_service);
  put_function(env, exports, "removeService", remove_service);
  put_function(env, exports, "startService", start_service);
  put_function(env, exports, "stopService", stop_service);
  put_function(env, exports, "serviceStatus", service_status);
  put_function(env, exports, "addEventSource", add_event_source);
  put_function(env, exports, "removeEventSource", remove_event_source);
}
